// What Flux builds: flux-kustomize ROOT PATH FILE writes the kustomization.yaml that Flux's controller would write in PATH of
// the tree ROOT for the Kustomization in FILE, builds it as the controller does and prints the objects.
//
// ROOT is written to and should be a copy. Ends with status 1 and the error when Flux would fail the build.
package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: flux-kustomize ROOT PATH FILE")
		os.Exit(2)
	}
	objects, err := build(os.Args[1], os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, "Error:", err)
		os.Exit(1)
	}
	os.Stdout.Write(objects)
}

func build(root, path, file string) ([]byte, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var object unstructured.Unstructured
	if err := yaml.Unmarshal(text, &object.Object); err != nil {
		return nil, fmt.Errorf("reading %s: %w", file, err)
	}
	directory := filepath.Join(root, path)
	if _, err := os.Stat(directory); err != nil {
		return nil, fmt.Errorf("kustomization path not found: %w", err)
	}
	if _, err := kustomize.NewGenerator(root, object).WriteFile(directory); err != nil {
		return nil, err
	}
	built, err := kustomize.SecureBuild(root, directory, false)
	if err != nil {
		return nil, fmt.Errorf("kustomize build failed: %w", err)
	}
	for _, one := range built.Resources() {
		if one.GetName() == "" || one.GetKind() == "" || one.GetApiVersion() == "" {
			return nil, fmt.Errorf("failed to decode Kubernetes apiVersion, kind and name from: %v", one.String())
		}
	}
	return built.AsYaml()
}
