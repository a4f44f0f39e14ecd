#!/bin/sh
# Prints the options that tell xmlsec1 of every element with an Id: it knows no identifiers without a DTD.
# Both names are needed, [namespace:]element; a name without a namespace would register nothing here.
python3 - "$1" <<'PY'
import sys, xml.etree.ElementTree as tree
names = sorted({one.tag for one in tree.parse(sys.argv[1]).iter() if "Id" in one.attrib})
print(" ".join("--id-attr:Id " + name[1:].replace("}", ":") for name in names))
PY
