// Signs a transcript with Apache Santuario's own classes (xmlsec.jar): Signer STYLE IN PLAN OUT
// STYLE: invoice (inclusive C14N, default namespace, signed SigningTime property, as invoice software does)
//        portable (exclusive C14N, ds: prefix, XAdES as EU DSS builds it: identifiers, order, SigningCertificateV2)
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
import java.util.Base64;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.algorithms.MessageDigestAlgorithm;
import org.apache.xml.security.c14n.Canonicalizer;
import org.apache.xml.security.keys.content.X509Data;
import org.apache.xml.security.signature.ObjectContainer;
import org.apache.xml.security.signature.SignatureProperties;
import org.apache.xml.security.signature.SignatureProperty;
import org.apache.xml.security.signature.XMLSignature;
import org.apache.xml.security.transforms.Transforms;
import org.apache.xml.security.utils.Constants;
import org.apache.xml.security.utils.ElementProxy;
import org.apache.xml.security.utils.XMLUtils;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

public final class Signer {
    private static final String XMLNS = "http://www.w3.org/2000/xmlns/";
    private static final String XADES = "http://uri.etsi.org/01903/v1.3.2#";
    private static final String PROPERTIES = "http://uri.etsi.org/01903#SignedProperties";
    private static final char[] PASSWORD = "interop".toCharArray();

    private final Document document;
    private final boolean xades;
    private final String c14n;

    private Signer(String style, Document document) {
        this.document = document;
        this.xades = !style.equals("invoice");
        this.c14n = xades ? Canonicalizer.ALGO_ID_C14N_EXCL_OMIT_COMMENTS : Canonicalizer.ALGO_ID_C14N_OMIT_COMMENTS;
    }

    public static void main(String[] args) throws Exception {
        Init.init();
        ElementProxy.setDefaultPrefix(Constants.SignatureSpecNS, args[0].equals("invoice") ? "" : "ds");
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        Document document = builders.newDocumentBuilder().parse(args[1]);
        registerIds(document.getDocumentElement());
        List<String> lines = Files.readAllLines(Paths.get(args[2]), StandardCharsets.UTF_8);
        String[] names = lines.get(0).split("\t");
        Signer signer = new Signer(args[0], document);
        for (String line : lines.subList(1, lines.size())) {
            signer.sign(names, line.split("\t"));
        }
        try (FileOutputStream out = new FileOutputStream(args[3])) {
            XMLUtils.outputDOM(document, out, true);
        }
    }

    private static void registerIds(Node node) {
        if (node instanceof Element && ((Element) node).hasAttribute("Id")) {
            ((Element) node).setIdAttribute("Id", true);
        }
        for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
            registerIds(child);
        }
    }

    private void sign(String[] names, String[] plan) throws Exception {
        Element box = document.createElementNS(names[0], names[1]);
        box.setAttribute(names[2], plan[1]);
        box.setAttribute(names[3], plan[2]);
        document.getElementById(plan[0]).appendChild(box);

        String id = plan[3];
        KeyStore store = KeyStore.getInstance("PKCS12");
        try (FileInputStream in = new FileInputStream(plan[5] + ".p12")) {
            store.load(in, PASSWORD);
        }
        String alias = store.aliases().nextElement();
        Certificate[] chain = store.getCertificateChain(alias);
        X509Certificate leaf = (X509Certificate) chain[0];

        XMLSignature signature = new XMLSignature(document, "", XMLSignature.ALGO_ID_SIGNATURE_RSA_SHA256, c14n);
        signature.setId(id);
        box.appendChild(signature.getElement()); // before anything is digested: namespaces in scope count
        X509Data data = new X509Data(document);
        if (!xades) {
            data.addSubjectName(leaf);
            data.addIssuerSerial(leaf.getIssuerX500Principal().getName(), leaf.getSerialNumber());
        }
        for (Certificate one : chain) {
            data.addCertificate((X509Certificate) one); // the signer's first
        }
        signature.getKeyInfo().add(data);
        if (!xades) {
            signature.getKeyInfo().addKeyName(leaf.getSubjectX500Principal().getName());
            signature.getKeyInfo().add(leaf.getPublicKey());
        }
        ObjectContainer object = new ObjectContainer(document);
        signature.appendObject(object);
        if (xades) {
            object.appendChild(properties(id, plan, leaf));
        } else {
            object.setId(id + "-time");
            SignatureProperty property = new SignatureProperty(document, "#" + id);
            Element time = document.createElementNS("http://example.org/#signatureProperties", "SigningTime");
            time.setAttributeNS(XMLNS, "xmlns", "http://example.org/#signatureProperties");
            time.setTextContent(plan[4]);
            property.appendChild(time);
            SignatureProperties properties = new SignatureProperties(document);
            properties.addSignatureProperty(property);
            object.appendChild(properties.getElement());
        }
        registerIds(signature.getElement());
        int number = 0;
        for (String uri : plan[6].split(" ")) {
            signature.addDocument(uri, transforms(), MessageDigestAlgorithm.ALGO_ID_DIGEST_SHA256, "r-" + id + "-" + ++number, null);
        }
        if (xades) {
            signature.addDocument("#xades-" + id, transforms(), MessageDigestAlgorithm.ALGO_ID_DIGEST_SHA256, null, PROPERTIES);
        } else {
            signature.addDocument("#" + id + "-time", transforms(), MessageDigestAlgorithm.ALGO_ID_DIGEST_SHA256);
        }
        signature.sign((PrivateKey) store.getKey(alias, PASSWORD));
    }

    private Transforms transforms() throws Exception {
        Transforms transforms = new Transforms(document);
        transforms.addTransform(c14n);
        return transforms;
    }

    private Element properties(String id, String[] plan, X509Certificate leaf) throws Exception {
        Element qualifying = document.createElementNS(XADES, "xades:QualifyingProperties");
        qualifying.setAttributeNS(XMLNS, "xmlns:xades", XADES);
        qualifying.setAttribute("Target", "#" + id);
        Element signed = element(qualifying, "SignedProperties");
        signed.setAttribute("Id", "xades-" + id);
        Element about = element(signed, "SignedSignatureProperties");
        element(about, "SigningTime").setTextContent(plan[4]);
        Element cert = element(element(about, "SigningCertificateV2"), "Cert");
        Element digest = element(cert, "CertDigest");
        ds(digest, "DigestMethod").setAttribute("Algorithm", MessageDigestAlgorithm.ALGO_ID_DIGEST_SHA512);
        byte[] hash = MessageDigest.getInstance("SHA-512").digest(leaf.getEncoded());
        ds(digest, "DigestValue").setTextContent(Base64.getEncoder().encodeToString(hash));
        element(cert, "IssuerSerialV2").setTextContent(Base64.getEncoder().encodeToString(leaf.getSerialNumber().toByteArray()));
        Element objects = element(signed, "SignedDataObjectProperties");
        int number = 0;
        for (String uri : plan[6].split(" ")) {
            Element format = element(objects, "DataObjectFormat");
            format.setAttribute("ObjectReference", "#r-" + id + "-" + ++number);
            element(format, "MimeType").setTextContent("text/xml");
        }
        return qualifying;
    }

    private Element element(Element parent, String name) {
        return (Element) parent.appendChild(document.createElementNS(XADES, "xades:" + name));
    }

    private Element ds(Element parent, String name) {
        return (Element) parent.appendChild(document.createElementNS(Constants.SignatureSpecNS, "ds:" + name));
    }
}
