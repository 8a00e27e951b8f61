package controlplane

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// program is what runs a component: a file, and the arguments that come
// before the component's flags.
type program struct {
	path      string
	arguments []string
}

// findPrograms answers the program of each component that the options need.
// With a folder of assets every component but kwok comes from there: parts of
// two Kubernetes versions are not a control plane worth testing against.
func findPrograms(options Options) (map[string]program, error) {
	found := map[string]program{}
	var missing []string
	for _, component := range neededComponents(options) {
		switch {
		case component == Kwok:
			found[component] = program{path: kwokPath(options)}
		case options.Assets != "":
			found[component] = program{path: filepath.Join(options.Assets, component)}
		default:
			found[component] = program{path: options.Self, arguments: []string{component}}
		}
		if !isFile(found[component].path) {
			missing = append(missing, found[component].path)
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("looking for the components' programs: there is no %s;"+
			" build them as README.md says, or name others (KUBEBUILDER_ASSETS for a folder of components, --kwok for kwok)",
			strings.Join(missing, ", no "))
	}
	return found, nil
}

func neededComponents(options Options) []string {
	needed := []string{Etcd, APIServer, ControllerManager}
	if options.Nodes > 0 {
		needed = append(needed, Scheduler, Kwok)
	}
	return needed
}

// kwokPath is the program named by the user, or the one among the assets, or
// the sibling of this program: cluster has kwok beside it, and test-cluster
// has test-kwok.
func kwokPath(options Options) string {
	if options.KwokProgram != "" {
		return options.KwokProgram
	}
	if inAssets := filepath.Join(options.Assets, Kwok); options.Assets != "" && isFile(inAssets) {
		return inAssets
	}
	folder, name := filepath.Split(options.Self)
	return filepath.Join(folder, strings.TrimSuffix(name, "cluster")+Kwok)
}

func isFile(path string) bool {
	status, err := os.Stat(path)
	return err == nil && status.Mode().IsRegular()
}
