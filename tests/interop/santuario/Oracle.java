// A second opinion: Apache Santuario over every signature of the files named on standard input, one a line.
// One line a signature: file, Id, ok | bad, reason; then "file end", so that one warm process can serve many files.
// Keys come from the first certificate; trust is not judged.
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import javax.xml.parsers.DocumentBuilder;
import javax.xml.parsers.DocumentBuilderFactory;
import org.apache.xml.security.Init;
import org.apache.xml.security.signature.XMLSignature;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;

public final class Oracle {
    private static final String DS = "http://www.w3.org/2000/09/xmldsig#";

    public static void main(String[] args) throws Exception {
        Init.init();
        DocumentBuilderFactory builders = DocumentBuilderFactory.newInstance();
        builders.setNamespaceAware(true);
        builders.setFeature("http://apache.org/xml/features/disallow-doctype-decl", true);
        DocumentBuilder builder = builders.newDocumentBuilder();
        builder.setErrorHandler(null);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String file = in.readLine(); file != null; file = in.readLine()) {
            try {
                judge(file, builder.parse(file));
            } catch (Exception error) {
                System.out.println(file + "\t\tbad\t" + text(error));
            }
            System.out.println(file + "\t\tend");
            System.out.flush();
        }
    }

    private static void judge(String file, Document document) {
        NodeList every = document.getElementsByTagName("*");
        for (int i = 0; i < every.getLength(); i++) {
            Element one = (Element) every.item(i);
            if (one.hasAttribute("Id")) {
                one.setIdAttribute("Id", true);
            }
        }
        NodeList signatures = document.getElementsByTagNameNS(DS, "Signature");
        for (int i = 0; i < signatures.getLength(); i++) {
            Element node = (Element) signatures.item(i);
            String verdict;
            try {
                XMLSignature signature = new XMLSignature(node, "", true); // secure validation
                verdict = signature.checkSignatureValue(signature.getKeyInfo().getX509Certificate().getPublicKey())
                    ? "ok" : "bad\tdoes not verify";
            } catch (Exception error) {
                verdict = "bad\t" + text(error);
            }
            System.out.println(file + "\t" + node.getAttribute("Id") + "\t" + verdict);
        }
    }

    private static String text(Exception error) {
        return (error.getClass().getSimpleName() + ": " + error.getMessage()).replaceAll("\\s+", " ");
    }
}
