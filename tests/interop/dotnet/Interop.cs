// Signs and verifies transcripts with System.Security.Cryptography.Xml.SignedXml, as .NET software does.
//   Interop.exe sign invoice|portable IN PLAN OUT
//   Interop.exe verify FILE…        one line a signature: file, Id, ok | bad, reason
// The plan's lines, tab-separated: see ../README.md.
using System;
using System.Collections.Generic;
using System.IO;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Security.Cryptography.Xml;
using System.Text;
using System.Xml;

public static class Interop
{
    const string Ds = "http://www.w3.org/2000/09/xmldsig#";
    const string Xades = "http://uri.etsi.org/01903/v1.3.2#";
    const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    const string Sha256Uri = "http://www.w3.org/2001/04/xmlenc#sha256";

    public static int Main(string[] args)
    {
        if (args[0] == "sign")
        {
            Sign(args[1] == "portable", args[2], args[3], args[4]);
            return 0;
        }
        for (int i = 1; i < args.Length; i++)
        {
            Verify(args[i]);
        }
        return 0;
    }

    static XmlDocument Load(string path)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null };
        using (var reader = XmlReader.Create(path, settings))
        {
            document.Load(reader);
        }
        return document;
    }

    static XmlElement ById(XmlDocument document, string id)
    {
        return (XmlElement)document.SelectSingleNode("//*[@Id='" + id + "']");
    }

    static void Sign(bool portable, string from, string planFile, string to)
    {
        var document = Load(from);
        var lines = File.ReadAllLines(planFile, Encoding.UTF8);
        var names = lines[0].Split('\t');
        for (int i = 1; i < lines.Length; i++)
        {
            var plan = lines[i].Split('\t');
            var box = document.CreateElement(names[1], names[0]);
            box.SetAttribute(names[2], plan[1]);
            box.SetAttribute(names[3], plan[2]);
            ById(document, plan[0]).AppendChild(box);
            box.AppendChild(document.ImportNode(Signature(portable, document, plan), true));
        }
        using (var writer = new StreamWriter(to, false, new UTF8Encoding(false)))
        {
            document.Save(writer); // PreserveWhitespace: nothing is indented
        }
    }

    static XmlElement Signature(bool portable, XmlDocument document, string[] plan)
    {
        string id = plan[3];
        var certificates = new X509Certificate2Collection();
        certificates.Import(plan[5] + ".p12", "interop", X509KeyStorageFlags.Exportable);
        var leaf = new X509Certificate2(plan[5] + ".p12", "interop", X509KeyStorageFlags.Exportable);
        var signed = new SignedXml(document) { SigningKey = leaf.PrivateKey };
        signed.Signature.Id = id;
        signed.SignedInfo.SignatureMethod = RsaSha256;
        signed.SignedInfo.CanonicalizationMethod =
            portable ? SignedXml.XmlDsigExcC14NTransformUrl : SignedXml.XmlDsigC14NTransformUrl;
        foreach (var uri in plan[6].Split(' '))
        {
            signed.AddReference(Reference(uri, portable));
        }
        signed.AddObject(Time(id, plan[4], portable));
        signed.AddReference(Reference("#" + id + "-time", portable));
        var data = new KeyInfoX509Data();
        if (portable)
        {
            data.AddIssuerSerial(leaf.IssuerName.Name, leaf.SerialNumber);
            data.AddCertificate(leaf);
            foreach (var one in certificates)
            {
                if (one.Thumbprint != leaf.Thumbprint)
                {
                    data.AddCertificate(one);
                }
            }
        }
        else
        {
            data.AddSubjectName(leaf.SubjectName.Name);
            data.AddCertificate(leaf);
            signed.KeyInfo.AddClause(new RSAKeyValue((RSA)leaf.PublicKey.Key));
        }
        signed.KeyInfo.AddClause(data);
        signed.ComputeSignature();
        return signed.GetXml();
    }

    // No transform at all means inclusive C14N 1.0: what .NET software of the field writes.
    static Reference Reference(string uri, bool portable)
    {
        var made = new Reference(uri) { DigestMethod = Sha256Uri };
        if (portable)
        {
            made.AddTransform(new XmlDsigExcC14NTransform());
        }
        return made;
    }

    // Invoice style: local time without zone (DateTime.Now), in an element of no namespace.
    static DataObject Time(string id, string time, bool portable)
    {
        var scratch = new XmlDocument();
        var properties = scratch.CreateElement("SignatureProperties", Ds);
        var property = scratch.CreateElement("SignatureProperty", Ds);
        property.SetAttribute("Target", "#" + id);
        var signingTime = scratch.CreateElement("SigningTime", portable ? Ds : "");
        signingTime.InnerText = portable ? time : time.Substring(0, 19);
        property.AppendChild(signingTime);
        properties.AppendChild(property);
        scratch.AppendChild(properties);
        return new DataObject { Id = id + "-time", Data = scratch.ChildNodes };
    }

    static void Verify(string file)
    {
        XmlNodeList signatures;
        XmlDocument document;
        try
        {
            document = Load(file);
            signatures = document.GetElementsByTagName("Signature", Ds);
        }
        catch (Exception error)
        {
            Console.WriteLine(file + "\t\tbad\t" + error.GetType().Name);
            return;
        }
        foreach (XmlElement node in signatures)
        {
            string verdict;
            try
            {
                var signed = new SignedXml(document);
                signed.LoadXml(node);
                X509Certificate2 leaf = null;
                foreach (KeyInfoClause clause in signed.KeyInfo)
                {
                    var data = clause as KeyInfoX509Data;
                    if (data != null && leaf == null && data.Certificates.Count > 0)
                    {
                        leaf = new X509Certificate2((X509Certificate)data.Certificates[0]);
                    }
                }
                verdict = signed.CheckSignature(leaf.PublicKey.Key) ? "ok" : "bad\tCheckSignature";
            }
            catch (Exception error)
            {
                verdict = "bad\t" + error.GetType().Name + ": " + error.Message.Replace('\n', ' ');
            }
            Console.WriteLine(file + "\t" + node.GetAttribute("Id") + "\t" + verdict);
        }
    }
}
