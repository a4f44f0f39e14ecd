// Signs a transcript with javax.xml.crypto (the JDK, no other library): Signer STYLE IN PLAN OUT
// STYLE: invoice (inclusive C14N, default namespace, signed SigningTime property, as invoice software does)
//        portable (exclusive C14N, ds: prefix, XAdES with SigningCertificateV2)
// The plan's lines, tab-separated: see ../README.md.
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.security.KeyStore;
import java.security.MessageDigest;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.X509Certificate;
import java.security.interfaces.ECPublicKey;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.Collections;
import java.util.List;
import javax.xml.crypto.dom.DOMStructure;
import javax.xml.crypto.dsig.CanonicalizationMethod;
import javax.xml.crypto.dsig.DigestMethod;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.SignedInfo;
import javax.xml.crypto.dsig.Transform;
import javax.xml.crypto.dsig.XMLObject;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMSignContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.KeyInfoFactory;
import javax.xml.crypto.dsig.spec.C14NMethodParameterSpec;
import javax.xml.crypto.dsig.spec.TransformParameterSpec;
import javax.xml.parsers.DocumentBuilderFactory;
import javax.xml.transform.TransformerFactory;
import javax.xml.transform.dom.DOMSource;
import javax.xml.transform.stream.StreamResult;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class Signer {
    private static final String XMLNS = "http://www.w3.org/2000/xmlns/";
    private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
    private static final char[] PASSWORD = "interop".toCharArray();

    private final XMLSignatureFactory factory = XMLSignatureFactory.getInstance("DOM");
    private final boolean portable;
    private final String c14n;
    private final Document document;

    private Signer(boolean portable, Document document) {
        this.portable = portable;
        this.c14n = portable ? CanonicalizationMethod.EXCLUSIVE : CanonicalizationMethod.INCLUSIVE;
        this.document = document;
    }

    public static void main(String[] args) throws Exception {
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = builders.newDocumentBuilder().parse(args[1]);
        registerIds(document.getDocumentElement());
        List<String> lines = Files.readAllLines(Paths.get(args[2]), StandardCharsets.UTF_8);
        String[] names = lines.get(0).split("\t");
        Signer signer = new Signer(args[0].equals("portable"), document);
        for (String line : lines.subList(1, lines.size())) {
            signer.sign(names, line.split("\t"));
        }
        document.setXmlStandalone(true); // else the JDK writes standalone="no"
        try (FileOutputStream out = new FileOutputStream(args[3])) {
            TransformerFactory.newInstance().newTransformer().transform(new DOMSource(document), new StreamResult(out));
        }
    }

    // Without a DTD the JDK does not know that an attribute is an identifier: each must be registered.
    private static void registerIds(Element element) {
        if (element.hasAttribute("Id")) {
            element.setIdAttribute("Id", true);
        }
        for (org.w3c.dom.Node child = element.getFirstChild(); child != null; child = child.getNextSibling()) {
            if (child instanceof Element) {
                registerIds((Element) child);
            }
        }
    }

    private void sign(String[] names, String[] plan) throws Exception {
        Element box = document.createElementNS(names[0], names[1]);
        box.setAttribute(names[2], plan[1]);
        box.setIdAttribute(names[2], true);
        box.setAttribute(names[3], plan[2]);
        document.getElementById(plan[0]).appendChild(box);

        String id = plan[3];
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(plan[5] + ".p12")) {
            store.load(in, PASSWORD);
        }
        String alias = store.aliases().nextElement();
        PrivateKey key = (PrivateKey) store.getKey(alias, PASSWORD);
        List<X509Certificate> chain = new ArrayList<>();
        for (Certificate one : store.getCertificateChain(alias)) {
            chain.add((X509Certificate) one);
        }

        List<Reference> references = new ArrayList<>();
        for (String uri : plan[6].split(" ")) {
            references.add(reference(uri, null));
        }
        XMLObject object;
        if (portable) {
            references.add(reference("#" + id + "-props", "http://uri.etsi.org/01903#SignedProperties"));
            object = factory.newXMLObject(
                Collections.singletonList(new DOMStructure(properties(id, plan[4], chain.get(0)))), null, null, null);
        } else {
            references.add(reference("#" + id + "-time", null));
            Element time = document.createElementNS(XMLSignature.XMLNS, "SigningTime");
            time.setTextContent(plan[4]);
            object = factory.newXMLObject(Collections.singletonList(
                factory.newSignatureProperties(Collections.singletonList(factory.newSignatureProperty(
                    Collections.singletonList(new DOMStructure(time)), "#" + id, null)), null)), id + "-time", null, null);
        }
        boolean ec = chain.get(0).getPublicKey() instanceof ECPublicKey;
        SignedInfo info = factory.newSignedInfo(
            factory.newCanonicalizationMethod(c14n, (C14NMethodParameterSpec) null),
            factory.newSignatureMethod("http://www.w3.org/2001/04/xmldsig-more#" + (ec ? "ecdsa" : "rsa") + "-sha256", null),
            references);
        DOMSignContext context = new DOMSignContext(key, box);
        if (portable) {
            context.setDefaultNamespacePrefix("ds");
        }
        factory.newXMLSignature(info, keyInfo(chain), Collections.singletonList(object), id, null).sign(context);
        NodeList made = box.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
        registerIds((Element) made.item(0));
    }

    private Reference reference(String uri, String type) throws Exception {
        List<Transform> transforms = new ArrayList<>();
        if (!portable && type == null && !uri.endsWith("-time")) {
            // habit of the field: idle here, because the signature stands outside of what it signs
            transforms.add(factory.newTransform(Transform.ENVELOPED, (TransformParameterSpec) null));
        }
        transforms.add(factory.newTransform(c14n, (TransformParameterSpec) null));
        return factory.newReference(uri, factory.newDigestMethod(DigestMethod.SHA256, null), transforms, type, null);
    }

    private KeyInfo keyInfo(List<X509Certificate> chain) throws Exception {
        KeyInfoFactory factory = this.factory.getKeyInfoFactory();
        X509Certificate leaf = chain.get(0);
        if (portable) {
            List<Object> content = new ArrayList<>();
            content.add(factory.newX509IssuerSerial(leaf.getIssuerX500Principal().getName(), leaf.getSerialNumber()));
            content.addAll(chain); // leaf first
            return factory.newKeyInfo(Collections.singletonList(factory.newX509Data(content)));
        }
        return factory.newKeyInfo(Arrays.asList(
            factory.newKeyValue(leaf.getPublicKey()),
            factory.newX509Data(Arrays.asList(leaf.getSubjectX500Principal().getName(), leaf))));
    }

    private Element properties(String id, String time, X509Certificate leaf) throws Exception {
        Element qualifying = element(null, "QualifyingProperties");
        qualifying.setAttributeNS(XMLNS, "xmlns:xades", XADES);
        qualifying.setAttributeNS(XMLNS, "xmlns:ds", XMLSignature.XMLNS);
        qualifying.setAttribute("Target", "#" + id);
        Element signed = element(qualifying, "SignedProperties");
        signed.setAttribute("Id", id + "-props");
        signed.setIdAttribute("Id", true);
        Element about = element(signed, "SignedSignatureProperties");
        element(about, "SigningTime").setTextContent(time);
        Element digest = element(element(element(about, "SigningCertificateV2"), "Cert"), "CertDigest");
        Element method = document.createElementNS(XMLSignature.XMLNS, "ds:DigestMethod");
        method.setAttribute("Algorithm", DigestMethod.SHA256);
        digest.appendChild(method);
        Element value = document.createElementNS(XMLSignature.XMLNS, "ds:DigestValue");
        byte[] hash = MessageDigest.getInstance("SHA-256").digest(leaf.getEncoded());
        value.setTextContent(Base64.getEncoder().encodeToString(hash));
        digest.appendChild(value);
        return qualifying;
    }

    private Element element(Element parent, String name) {
        Element made = document.createElementNS(XADES, "xades:" + name);
        if (parent != null) {
            parent.appendChild(made);
        }
        return made;
    }
}
