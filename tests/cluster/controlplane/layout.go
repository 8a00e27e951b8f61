package controlplane

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	folderMode fs.FileMode = 0o700
	fileMode   fs.FileMode = 0o600

	// claimName marks a folder as ours, and carries the lock of the launcher
	// that uses it.
	claimName = ".cluster-data"
)

// layout names the files of a data folder.
type layout struct{ root string }

func (l layout) public(name string) string {
	return filepath.Join(l.root, "certificates", name+".public.pem")
}
func (l layout) private(name string) string {
	return filepath.Join(l.root, "certificates", name+".private.pem")
}
func (l layout) kubeconfig(user string) string {
	return filepath.Join(l.root, "kubeconfigs", user+".yaml")
}
func (l layout) configuration(component string) string {
	return filepath.Join(l.root, "configuration", component+".yaml")
}
func (l layout) auditPolicy() string         { return l.configuration("audit-policy") }
func (l layout) etcdData() string            { return filepath.Join(l.root, "etcd") }
func (l layout) logs() string                { return filepath.Join(l.root, "logs") }
func (l layout) log(component string) string { return filepath.Join(l.logs(), component+".log") }

// claimFolder makes the folder or takes one that an earlier start made, and
// locks it against other launchers until the answered function is called. It
// refuses a folder with other content, because starting empties it.
func claimFolder(root string) (func(), error) {
	if err := os.MkdirAll(root, folderMode); err != nil {
		return nil, fmt.Errorf("making the data folder: %w", err)
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		return nil, fmt.Errorf("reading the data folder: %w", err)
	}
	claim := filepath.Join(root, claimName)
	if _, err := os.Stat(claim); len(entries) > 0 && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("claiming the data folder %s: it holds files (such as %s) that no earlier start made,"+
			" and a start would remove them; name an empty or new folder with --data", root, entries[0].Name())
	}
	file, err := os.OpenFile(claim, os.O_CREATE|os.O_RDWR, fileMode)
	if err != nil {
		return nil, fmt.Errorf("claiming the data folder: %w", err)
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = file.Close()
		return nil, fmt.Errorf("locking the data folder %s: %w; another cluster uses it: stop that, or name another folder with --data", root, err)
	}
	return func() { _ = file.Close() }, nil
}

// emptyFolder removes everything but the claim.
func emptyFolder(root string) error {
	entries, err := os.ReadDir(root)
	if err != nil {
		return fmt.Errorf("emptying the data folder: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() == claimName {
			continue
		}
		if err := os.RemoveAll(filepath.Join(root, entry.Name())); err != nil {
			return fmt.Errorf("emptying the data folder: %w", err)
		}
	}
	return nil
}

func removeFile(path string) error {
	if path == "" {
		return nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing what an earlier start wrote: %w", err)
	}
	return nil
}

// writeFiles writes each content to its path below root.
func writeFiles(root string, contents map[string][]byte) error {
	for path, content := range contents {
		if !strings.HasPrefix(path, root+string(filepath.Separator)) {
			return fmt.Errorf("writing %s: it is not in the data folder %s", path, root)
		}
		if err := os.MkdirAll(filepath.Dir(path), folderMode); err != nil {
			return fmt.Errorf("making a folder in the data folder: %w", err)
		}
		if err := os.WriteFile(path, content, fileMode); err != nil {
			return fmt.Errorf("writing into the data folder: %w", err)
		}
	}
	return nil
}
