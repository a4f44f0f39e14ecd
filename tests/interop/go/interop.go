// Signs and verifies transcripts with goxmldsig.
//
//	interop sign invoice|portable IN PLAN OUT
//	interop verify FILE…            one line a signature: file, Id, ok | bad, reason
//
// goxmldsig's own SigningContext makes one reference and its ValidationContext wants the signature inside of what it
// signs; a transcript needs several references and stands outside. So SignedInfo is built here, and the library gives
// canonicalization, digest names and keys. The plan's lines, tab-separated: see ../README.md.
package main

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

const (
	signingTime = "http://example.org/#signatureProperties"
	sha256URI   = "http://www.w3.org/2001/04/xmlenc#sha256"
)

func main() {
	if os.Args[1] == "sign" {
		check(sign(os.Args[2] == "portable", os.Args[3], os.Args[4], os.Args[5]))
		return
	}
	for _, file := range os.Args[2:] {
		verifyFile(file)
	}
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func load(file string) (*etree.Document, error) {
	document := etree.NewDocument()
	document.WriteSettings.CanonicalText = true
	document.WriteSettings.CanonicalAttrVal = true
	return document, document.ReadFromFile(file)
}

func byID(element *etree.Element, id string) *etree.Element {
	if element.SelectAttrValue("Id", "") == id {
		return element
	}
	for _, child := range element.ChildElements() {
		if found := byID(child, id); found != nil {
			return found
		}
	}
	return nil
}

func canonicalizer(algorithm string) (dsig.Canonicalizer, error) {
	switch dsig.AlgorithmID(algorithm) {
	case dsig.CanonicalXML10ExclusiveAlgorithmId:
		return dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList(""), nil
	case dsig.CanonicalXML10RecAlgorithmId:
		return dsig.MakeC14N10RecCanonicalizer(), nil
	case dsig.CanonicalXML11AlgorithmId:
		return dsig.MakeC14N11Canonicalizer(), nil
	}
	return nil, errors.New("unknown canonicalization: " + algorithm)
}

// The octets of a part where it stands: the namespaces in scope come with it.
func octets(element *etree.Element, method dsig.Canonicalizer) ([]byte, error) {
	context, err := etreeutils.NSBuildParentContext(element)
	if err != nil {
		return nil, err
	}
	detached, err := etreeutils.NSDetatch(context, element)
	if err != nil {
		return nil, err
	}
	return method.Canonicalize(detached)
}

func digest(element *etree.Element, method dsig.Canonicalizer) (string, error) {
	data, err := octets(element, method)
	sum := sha256.Sum256(data)
	return base64.StdEncoding.EncodeToString(sum[:]), err
}

// ------------------------------------------------------------------------------------------------------------- sign

func sign(portable bool, from, planFile, to string) error {
	document, err := load(from)
	if err != nil {
		return err
	}
	plan, err := os.ReadFile(planFile)
	if err != nil {
		return err
	}
	lines := strings.Split(strings.TrimSpace(string(plan)), "\n")
	names := strings.Split(lines[0], "\t")
	for _, line := range lines[1:] {
		if err := signOne(portable, document, names, strings.Split(line, "\t")); err != nil {
			return err
		}
	}
	return document.WriteToFile(to)
}

func signOne(portable bool, document *etree.Document, names, plan []string) error {
	prefix, method := "", dsig.MakeC14N10RecCanonicalizer()
	if portable {
		prefix, method = "ds", dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	}
	id, signingAt := plan[3], plan[4]
	box := byID(document.Root(), plan[0]).CreateElement(names[1])
	box.CreateAttr(names[2], plan[1])
	box.CreateAttr(names[3], plan[2])

	add := func(parent *etree.Element, tag string) *etree.Element {
		child := parent.CreateElement(tag)
		child.Space = prefix
		return child
	}
	signature := add(box, "Signature")
	if portable {
		signature.CreateAttr("xmlns:ds", dsig.Namespace)
	} else {
		signature.CreateAttr("xmlns", dsig.Namespace)
	}
	signature.CreateAttr("Id", id)
	info := add(signature, "SignedInfo")
	value := add(signature, "SignatureValue")
	key, certificates, err := credential(plan[5])
	if err != nil {
		return err
	}
	keyInfo := add(signature, "KeyInfo")
	data := add(keyInfo, "X509Data")
	for number, one := range certificates {
		if portable || number == 0 {
			add(data, "X509Certificate").SetText(base64.StdEncoding.EncodeToString(one.Raw))
		}
	}
	object := add(signature, "Object")
	object.CreateAttr("Id", id+"-time")
	property := add(add(object, "SignatureProperties"), "SignatureProperty")
	property.CreateAttr("Target", "#"+id)
	time := property.CreateElement("SigningTime")
	time.CreateAttr("xmlns", signingTime)
	time.SetText(signingAt)

	add(info, "CanonicalizationMethod").CreateAttr("Algorithm", method.Algorithm().String())
	add(info, "SignatureMethod").CreateAttr("Algorithm", dsig.RSASHA256SignatureMethod)
	for _, uri := range append(strings.Split(plan[6], " "), "#"+id+"-time") {
		reference := add(info, "Reference")
		reference.CreateAttr("URI", uri)
		add(add(reference, "Transforms"), "Transform").CreateAttr("Algorithm", method.Algorithm().String())
		add(reference, "DigestMethod").CreateAttr("Algorithm", sha256URI)
		sum, err := digest(byID(document.Root(), uri[1:]), method)
		if err != nil {
			return err
		}
		add(reference, "DigestValue").SetText(sum)
	}
	signed, err := octets(info, method)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(signed)
	made, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	value.SetText(base64.StdEncoding.EncodeToString(made))
	return err
}

func credential(base string) (*rsa.PrivateKey, []*x509.Certificate, error) {
	data, err := os.ReadFile(base + ".key.pem")
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(data)
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, nil, err
	}
	var certificates []*x509.Certificate
	for _, suffix := range []string{".cert.pem", ".chain.pem"} {
		data, err := os.ReadFile(base + suffix)
		if err != nil {
			return nil, nil, err
		}
		for block, rest := pem.Decode(data); block != nil; block, rest = pem.Decode(rest) {
			one, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return nil, nil, err
			}
			certificates = append(certificates, one)
		}
	}
	return key.(*rsa.PrivateKey), certificates, nil
}

// ----------------------------------------------------------------------------------------------------------- verify

func verifyFile(file string) {
	document, err := load(file)
	if err != nil {
		fmt.Printf("%s\t\tbad\t%v\n", file, err)
		return
	}
	_ = etreeutils.NSFindIterate(document.Root(), dsig.Namespace, "Signature",
		func(_ etreeutils.NSContext, node *etree.Element) error {
			verdict := "ok"
			if err := verify(document, node); err != nil {
				verdict = "bad\t" + err.Error()
			}
			fmt.Printf("%s\t%s\t%s\n", file, node.SelectAttrValue("Id", ""), verdict)
			return nil
		})
}

func find(parent *etree.Element, tags ...string) (*etree.Element, error) {
	for _, tag := range tags {
		context, err := etreeutils.NSBuildParentContext(parent)
		if err != nil {
			return nil, err
		}
		parent, err = etreeutils.NSFindOneChildCtx(context, parent, dsig.Namespace, tag)
		if err != nil || parent == nil {
			return nil, fmt.Errorf("no %s: %v", tag, err)
		}
	}
	return parent, nil
}

func decoded(parent *etree.Element, tags ...string) ([]byte, error) {
	found, err := find(parent, tags...)
	if err != nil {
		return nil, err
	}
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(found.Text()), ""))
}

func verify(document *etree.Document, node *etree.Element) error {
	info, err := find(node, "SignedInfo")
	if err != nil {
		return err
	}
	for _, reference := range info.ChildElements()[2:] {
		// without a transform the standard means inclusive C14N 1.0
		algorithm := string(dsig.CanonicalXML10RecAlgorithmId)
		if transforms, err := find(reference, "Transforms"); err == nil {
			for _, one := range transforms.ChildElements() {
				if name := one.SelectAttrValue("Algorithm", ""); name != string(dsig.EnvelopedSignatureAltorithmId) {
					algorithm = name
				}
			}
		}
		method, err := canonicalizer(algorithm)
		if err != nil {
			return err
		}
		target := byID(document.Root(), strings.TrimPrefix(reference.SelectAttrValue("URI", ""), "#"))
		if target == nil {
			return errors.New("dangling reference")
		}
		sum, err := digest(target, method)
		if err != nil {
			return err
		}
		stated, err := decoded(reference, "DigestValue")
		if err != nil {
			return err
		}
		if sum != base64.StdEncoding.EncodeToString(stated) {
			return fmt.Errorf("digest of %s", reference.SelectAttrValue("URI", ""))
		}
	}
	c14n, err := find(info, "CanonicalizationMethod")
	if err != nil {
		return err
	}
	method, err := canonicalizer(c14n.SelectAttrValue("Algorithm", ""))
	if err != nil {
		return err
	}
	signed, err := octets(info, method)
	if err != nil {
		return err
	}
	value, err := decoded(node, "SignatureValue")
	if err != nil {
		return err
	}
	der, err := decoded(node, "KeyInfo", "X509Data", "X509Certificate")
	if err != nil {
		return err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return err
	}
	algorithm, err := find(info, "SignatureMethod")
	if err != nil {
		return err
	}
	switch name := algorithm.SelectAttrValue("Algorithm", ""); name {
	case dsig.RSASHA256SignatureMethod:
		return leaf.CheckSignature(x509.SHA256WithRSA, signed, value)
	default:
		return errors.New("unknown signature method: " + name)
	}
}
