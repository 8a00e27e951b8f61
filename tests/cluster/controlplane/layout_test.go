package controlplane

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFolderWithForeignFilesIsRefusedAndKept(t *testing.T) {
	root := t.TempDir()
	foreign := filepath.Join(root, "thesis.txt")
	if err := os.WriteFile(foreign, []byte("years of work"), fileMode); err != nil {
		t.Fatal(err)
	}
	_, err := claimFolder(root)
	if err == nil || !strings.Contains(err.Error(), "thesis.txt") {
		t.Errorf("claiming answered %v, which does not name the file", err)
	}
	if !isFile(foreign) {
		t.Error("the foreign file is gone")
	}
}

func TestFolderIsClaimedByOneLauncherAtATime(t *testing.T) {
	root := filepath.Join(t.TempDir(), "data")
	release, err := claimFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claimFolder(root); err == nil {
		t.Error("a second launcher got the folder")
	}
	release()
	if release, err = claimFolder(root); err != nil {
		t.Errorf("a launcher after the first: %v", err)
	} else {
		release()
	}
}

func TestStartEmptiesTheFolderOfAnEarlierStart(t *testing.T) {
	root := filepath.Join(t.TempDir(), "data")
	release, err := claimFolder(root)
	if err != nil {
		t.Fatal(err)
	}
	defer release()
	earlier := layout{root}.log(Etcd)
	if err := writeFiles(root, map[string][]byte{earlier: []byte("earlier")}); err != nil {
		t.Fatal(err)
	}
	if err := emptyFolder(root); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(root)
	if err != nil || len(entries) != 1 || entries[0].Name() != claimName {
		t.Errorf("what is left: %v, %v", entries, err)
	}
}

func TestNothingIsWrittenOutsideTheFolder(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	if err := writeFiles(t.TempDir(), map[string][]byte{outside: nil}); err == nil || isFile(outside) {
		t.Errorf("writing outside answered %v", err)
	}
}
