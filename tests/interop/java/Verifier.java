// Verifies every signature of documents with javax.xml.crypto: Verifier FILE… (or names on standard input)
// One line a signature: file, Id, ok | bad, reason. Keys come from the first certificate; trust is not judged.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.util.Iterator;
import java.security.PublicKey;
import java.security.cert.X509Certificate;
import javax.xml.crypto.AlgorithmMethod;
import javax.xml.crypto.KeySelector;
import javax.xml.crypto.KeySelectorException;
import javax.xml.crypto.KeySelectorResult;
import javax.xml.crypto.XMLCryptoContext;
import javax.xml.crypto.XMLStructure;
import javax.xml.crypto.dsig.Reference;
import javax.xml.crypto.dsig.XMLSignature;
import javax.xml.crypto.dsig.XMLSignatureFactory;
import javax.xml.crypto.dsig.dom.DOMValidateContext;
import javax.xml.crypto.dsig.keyinfo.KeyInfo;
import javax.xml.crypto.dsig.keyinfo.X509Data;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class Verifier {
    public static void main(String[] args) throws Exception {
        if (args.length > 0) {
            for (String file : args) {
                verify(file);
            }
            return;
        }
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in));
        for (String file = in.readLine(); file != null; file = in.readLine()) {
            verify(file);
        }
    }

    private static void verify(String file) {
        try {
            DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
            builders.setNamespaceAware(true);
            builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
            javax.xml.parsers.DocumentBuilder builder = builders.newDocumentBuilder();
            builder.setErrorHandler(null);
            Document document = builder.parse(file);
            NodeList every = document.getElementsByTagName("*");
            for (int i = 0; i < every.getLength(); i++) {
                Element one = (Element) every.item(i);
                if (one.hasAttribute("Id")) {
                    one.setIdAttribute("Id", true);
                }
            }
            NodeList signatures = document.getElementsByTagNameNS(XMLSignature.XMLNS, "Signature");
            for (int i = 0; i < signatures.getLength(); i++) {
                Element one = (Element) signatures.item(i);
                System.out.println(file + "\t" + one.getAttribute("Id") + "\t" + judge(one));
            }
        } catch (Exception error) {
            System.out.println(file + "\t\tbad\t" + text(error));
        }
        System.out.println(file + "\t\tend");
    }

    private static String judge(Element node) {
        try {
            DOMValidateContext context = new DOMValidateContext(new Keys(), node);
            XMLSignature signature = XMLSignatureFactory.getInstance("DOM").unmarshalXMLSignature(context);
            if (signature.validate(context)) {
                return "ok";
            }
            StringBuilder why = new StringBuilder("bad\t");
            if (!signature.getSignatureValue().validate(context)) {
                why.append("value ");
            }
            for (Iterator<?> each = signature.getSignedInfo().getReferences().iterator(); each.hasNext();) {
                Reference reference = (Reference) each.next();
                if (!reference.validate(context)) {
                    why.append(reference.getURI()).append(' ');
                }
            }
            return why.toString().trim();
        } catch (Exception error) {
            return "bad\t" + text(error);
        }
    }

    private static String text(Exception error) {
        return (error.getClass().getSimpleName() + ": " + error.getMessage()).replaceAll("\\s+", " ");
    }

    private static final class Keys extends KeySelector {
        @Override
        public KeySelectorResult select(KeyInfo info, Purpose purpose, AlgorithmMethod method, XMLCryptoContext context)
                throws KeySelectorException {
            if (info != null) {
                for (Object one : info.getContent()) {
                    if (one instanceof X509Data) {
                        for (Object each : ((X509Data) one).getContent()) {
                            if (each instanceof X509Certificate) {
                                PublicKey key = ((X509Certificate) each).getPublicKey();
                                return () -> key;
                            }
                        }
                    }
                }
            }
            throw new KeySelectorException("no certificate");
        }
    }
}
