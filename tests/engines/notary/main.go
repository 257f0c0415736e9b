// The Notary Project's own signing and verifying, as its command notation calls them:
//
//	notary sign DIRECTORY REFERENCE
//	notary verify DIRECTORY REFERENCE
//
// DIRECTORY holds key.pem and certificate.pem. The registry is on loopback, without TLS. Exit status 0 says yes.
package main

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
	"path/filepath"

	"github.com/notaryproject/notation-go"
	"github.com/notaryproject/notation-go/registry"
	"github.com/notaryproject/notation-go/signer"
	"github.com/notaryproject/notation-go/verifier"
	"github.com/notaryproject/notation-go/verifier/trustpolicy"
	"github.com/notaryproject/notation-go/verifier/truststore"
	"oras.land/oras-go/v2/registry/remote"
)

const jws = "application/jose+json"

// store is a trust store that holds one certificate.
type store struct{ certificate *x509.Certificate }

func (one store) GetCertificates(context.Context, truststore.Type, string) ([]*x509.Certificate, error) {
	return []*x509.Certificate{one.certificate}, nil
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(verb, directory, reference string) error {
	target, err := remote.NewRepository(reference)
	if err != nil {
		return err
	}
	target.PlainHTTP = true
	repository := registry.NewRepository(target)
	key, certificate := filepath.Join(directory, "key.pem"), filepath.Join(directory, "certificate.pem")
	if verb == "sign" {
		return sign(repository, key, certificate, reference)
	}
	return verify(repository, certificate, reference)
}

func sign(repository registry.Repository, key, certificate, reference string) error {
	with, err := signer.NewGenericSignerFromFiles(key, certificate)
	if err != nil {
		return err
	}
	_, err = notation.Sign(context.Background(), with, repository, notation.SignOptions{
		SignerSignOptions: notation.SignerSignOptions{SignatureMediaType: jws},
		ArtifactReference: reference,
	})
	return err
}

func verify(repository registry.Repository, certificate, reference string) error {
	data, err := os.ReadFile(certificate)
	if err != nil {
		return err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return fmt.Errorf("%s: no certificate", certificate)
	}
	trusted, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		return err
	}
	policy := trustpolicy.Document{
		Version: "1.0",
		TrustPolicies: []trustpolicy.TrustPolicy{{
			Name:                  "all",
			RegistryScopes:        []string{"*"},
			SignatureVerification: trustpolicy.SignatureVerification{VerificationLevel: "strict"},
			TrustStores:           []string{"ca:one"},
			TrustedIdentities:     []string{"*"},
		}},
	}
	with, err := verifier.New(&policy, store{trusted}, nil)
	if err != nil {
		return err
	}
	_, _, err = notation.Verify(context.Background(), with, repository, notation.VerifyOptions{
		ArtifactReference:    reference,
		MaxSignatureAttempts: 10,
	})
	return err
}
