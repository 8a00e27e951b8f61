package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestFailedComponentIsNamedWithItsLastLogLines(t *testing.T) {
	options := fakeComponents(t, map[string]string{Etcd: "echo first; echo the disk is on fire; exit 7"})
	_, err := Start(t.Context(), options)
	var failure *ComponentError
	if !errors.As(err, &failure) {
		t.Fatalf("starting answered %v", err)
	}
	for _, wanted := range []string{"etcd", "exit status 7", "first\nthe disk is on fire", "logs/etcd.log"} {
		if !strings.Contains(err.Error(), wanted) {
			t.Errorf("%q is missing in: %v", wanted, err)
		}
	}
}

func TestStartTriesOtherPortsWhenOneIsTaken(t *testing.T) {
	tries := filepath.Join(t.TempDir(), "tries")
	options := fakeComponents(t, map[string]string{
		Etcd: "echo >>" + tries + "; echo listen tcp 127.0.0.1:1: bind: address already in use; exit 1",
	})
	if _, err := Start(t.Context(), options); err == nil {
		t.Fatal("it started")
	}
	content, err := os.ReadFile(tries)
	if err != nil || len(content) != startAttemptsMax {
		t.Errorf("%d tries, not %d (%v)", len(content), startAttemptsMax, err)
	}
}

func TestStartThatTakesTooLongLeavesNoProcess(t *testing.T) {
	identity := filepath.Join(t.TempDir(), "identity")
	options := fakeComponents(t, map[string]string{Etcd: "echo $$ >" + identity + "; exec sleep 60"})
	limited, cancel := context.WithTimeoutCause(t.Context(), 200*time.Millisecond, errors.New("too long"))
	defer cancel()
	_, err := Start(limited, options)
	if err == nil || !strings.Contains(err.Error(), "waiting for etcd to answer: too long") {
		t.Errorf("starting answered %v", err)
	}
	content, err := os.ReadFile(identity)
	if err != nil {
		t.Fatal(err)
	}
	var running int
	if _, err := fmt.Sscan(string(content), &running); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(running, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("asking for process %d answered %v", running, err)
	}
}

func TestMissingProgramsAreAllNamed(t *testing.T) {
	options := fakeComponents(t, nil)
	options.Nodes = 1
	for _, component := range []string{APIServer, Scheduler} {
		if err := os.Remove(filepath.Join(options.Assets, component)); err != nil {
			t.Fatal(err)
		}
	}
	_, err := Start(t.Context(), options)
	for _, component := range []string{APIServer, Scheduler} {
		if err == nil || !strings.Contains(err.Error(), filepath.Join(options.Assets, component)) {
			t.Errorf("%s is not named in: %v", component, err)
		}
	}
}

func TestKwokIsFoundBesideThisProgram(t *testing.T) {
	for self, wanted := range map[string]string{
		"/bin/cluster":         "/bin/kwok",
		"/bin/thalweg-cluster": "/bin/thalweg-kwok",
	} {
		if found := kwokPath(Options{Self: self}); found != wanted {
			t.Errorf("beside %s it is %s, not %s", self, found, wanted)
		}
	}
}

func TestSettingsOfTheUserStayOutOfComponents(t *testing.T) {
	kept := componentEnvironment([]string{"HOME=/home/me", "PATH=/bin", "ETCD_NAME=mine", "HTTPS_PROXY=elsewhere", "GOGC=50"}, "/data")
	if joined := strings.Join(kept, " "); joined != "HOME=/data PATH=/bin GOGC=50" {
		t.Error(joined)
	}
}

// fakeComponents answers options whose components are shell scripts; a
// component without one ends at once.
func fakeComponents(t *testing.T, scripts map[string]string) Options {
	t.Helper()
	assets := t.TempDir()
	for _, component := range []string{Etcd, APIServer, ControllerManager, Scheduler, Kwok} {
		script := "#!/bin/sh\n" + scripts[component] + "\n"
		if err := os.WriteFile(filepath.Join(assets, component), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	data := filepath.Join(t.TempDir(), "data")
	return Options{
		Data:       data,
		Kubeconfig: filepath.Join(data, "kubeconfig"),
		Assets:     assets,
		Progress:   t.Logf,
	}
}
