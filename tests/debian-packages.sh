#!/usr/bin/env bash
# Installs what the tests want beyond Python: signers of other platforms, a browser, PDF tools. Debian and Ubuntu.
#
#   tests/debian-packages.sh            install what is missing (as root, or with sudo); nothing missing: nothing done
#   tests/debian-packages.sh --check    only say what is missing; exit code 1 if something is
#
# Package names differ between releases: each need lists patterns, and the first package this release offers is taken.
# A need is met by what it is for (a program, a file), wherever that came from.
# =NAME: the package is not installed (it would bring a web server); what is needed is taken out of it.
set -euo pipefail

# need | how to see that it is met: programs, or files (globs) | package names, as extended regular expressions
needs='
Java compiler            | javac java                                       | default-jdk-headless openjdk-[0-9]+-jdk-headless
C# compiler (Mono)       | mcs                                              | mono-mcs
Mono                     | mono                                             | mono-runtime
SignedXml for Mono       | /usr/lib/mono/*/System.Security.dll              | libmono-system-security[0-9.]*-cil
Node.js                  | node                                             | nodejs
npm                      | npm                                              | npm
Go                       | go                                               | golang-go
goxmldsig                | /usr/share/gocode/src/github.com/russellhaering/goxmldsig/sign.go | golang-github-russellhaering-goxmldsig-dev
xmlsec1                  | xmlsec1                                          | xmlsec1
OpenSSL                  | openssl                                          | openssl
Santuario for Java       | /usr/share/java/xmlsec.jar                       | libxml-security-java
slf4j, for Santuario     | /usr/share/java/slf4j-nop.jar                    | libslf4j-java
Santuario for C++        | xsec-checksig                                    | xml-security-c-utils
Chromium                 | chromium|chromium-browser                        | chromium chromium-browser
Vietnamese glyphs        | /usr/share/fonts/truetype/noto/NotoSans-Regular.ttf | fonts-noto-core
PKCS#11 token in software | softhsm2-util /usr/lib/softhsm/libsofthsm2.so   | softhsm2
PHP                      | php                                              | php-cli
DOM for PHP              | /usr/lib/php/*/dom.so                            | php-xml
xmlseclibs for PHP       | /usr/local/share/php/xmlseclibs/xmlseclibs.php   | =simplesamlphp
XML::LibXML for Perl     | /usr/lib/*/perl5/*/XML/LibXML.pm                 | libxml-libxml-perl
RSA for Perl             | /usr/lib/*/perl5/*/Crypt/OpenSSL/RSA.pm          | libcrypt-openssl-rsa-perl
X.509 for Perl           | /usr/lib/*/perl5/*/Crypt/OpenSSL/X509.pm         | libcrypt-openssl-x509-perl
PostgreSQL               | /usr/lib/postgresql/*/bin/initdb                 | postgresql
PDF text                 | pdftotext                                        | poppler-utils
'

check=false
case "${1:-}" in
  --check) check=true ;;
  "") ;;
  *) sed -n '2,8s/^# \{0,1\}//p' "$0"; exit 2 ;;
esac

if ! command -v apt-get > /dev/null || ! command -v dpkg > /dev/null; then
  echo "debian-packages.sh: không phải Debian/Ubuntu, bỏ qua / not Debian or Ubuntu, nothing done." >&2
  echo "Kiểm thử cần các công cụ này sẽ được bỏ qua / tests that need these tools will skip with their reason." >&2
  exit 0
fi

met() { # one word of the second column: a program (alternatives with |), or a file
  local one
  case "$1" in
    /*) compgen -G "$1" > /dev/null ;;
    *)
      for one in ${1//|/ }; do
        if command -v "$one" > /dev/null; then return 0; fi
      done
      return 1 ;;
  esac
}

trim() { local text="$*"; text="${text#"${text%%[![:space:]]*}"}"; printf '%s' "${text%"${text##*[![:space:]]}"}"; }

missing=() # "need|patterns"
while IFS= read -r line; do
  [ -n "$line" ] || continue
  need=$(trim "${line%%| *}")
  rest=${line#*| }
  signs=$(trim "${rest%%| *}")
  patterns=$(trim "${rest#*| }")
  set -f
  for sign in $signs; do
    if ! met "$sign"; then
      missing+=("$need|$patterns")
      break
    fi
  done
  set +f
done <<< "$needs"

if [ "${#missing[@]}" -eq 0 ]; then
  echo "debian-packages.sh: đủ công cụ / nothing is missing."
  exit 0
fi
if $check; then
  echo "debian-packages.sh: còn thiếu / missing:"
  for one in "${missing[@]}"; do echo "  ${one%%|*} (${one#*|})"; done
  exit 1
fi

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if ! command -v sudo > /dev/null; then
    echo "debian-packages.sh: cần quyền root hoặc sudo / needs root or sudo; missing: ${missing[*]%%|*}" >&2
    exit 1
  fi
  as_root=(sudo)
fi

"${as_root[@]}" apt-get update -qq

offered() { # the first package of this release whose whole name matches one of the patterns
  local pattern name
  set -f
  for pattern in $1; do
    name=$(apt-cache --names-only search "^${pattern}\$" | cut -d' ' -f1 | sort -V | tail -n 1)
    if [ -n "$name" ] && apt-cache show "$name" > /dev/null 2>&1; then
      printf '%s' "$name"
      break
    fi
  done
  set +f
}

unpacked() { # xmlseclibs has no package of its own: the copy that another package carries
  local work
  work=$(mktemp -d)
  (
    cd "$work"
    apt-get -o APT::Sandbox::User=root download -qq "$1" > /dev/null
    dpkg-deb -x ./*.deb tree
  )
  "${as_root[@]}" mkdir -p /usr/local/share/php
  "${as_root[@]}" cp -r "$(find "$work/tree" -type d -name xmlseclibs | head -n 1)" /usr/local/share/php/
  rm -rf "$work"
}

packages=()
for one in "${missing[@]}"; do
  name=$(offered "$(printf '%s' "${one#*|}" | sed 's/^=//')")
  if [ -z "$name" ]; then
    echo "debian-packages.sh: bản này không có / this release does not offer: ${one%%|*} (${one#*|})" >&2
    continue
  fi
  case "${one#*|}" in
    =*)
      echo "debian-packages.sh: ${one%%|*} ($name)"
      unpacked "$name" ;;
    *) packages+=("$name") ;;
  esac
done
if [ "${#packages[@]}" -gt 0 ]; then
  echo "debian-packages.sh: ${packages[*]}"
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${packages[@]}" > /dev/null
fi
