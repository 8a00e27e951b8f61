package controlplane

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

const (
	// logTailLines and logTailBytes bound what an error shows of a log.
	logTailLines = 15
	logTailBytes = 16 << 10
)

// process is a component that was started.
type process struct {
	component string
	logPath   string
	command   *exec.Cmd
	done      chan struct{} // closed when it has ended
}

// ComponentError says that a component ended by itself.
type ComponentError struct {
	Component string
	// Status is how it ended, such as "exit status 1".
	Status string
	// LogPath is its whole log, LogTail the last lines.
	LogPath, LogTail string
}

func (e *ComponentError) Error() string {
	return fmt.Sprintf("running %s: it ended (%s); the last lines of its log %s:\n%s", e.Component, e.Status, e.LogPath, e.LogTail)
}

// portTaken tells whether another process listens where it wanted to.
func (e *ComponentError) portTaken() bool {
	return strings.Contains(e.LogTail, syscall.EADDRINUSE.Error())
}

// startProcess runs a component in the folder, with its output in a log file.
// It tells ended when the component has ended.
func startProcess(component string, run program, flags []string, folder, logPath string, ended chan<- *process) (*process, error) {
	if err := os.MkdirAll(filepath.Dir(logPath), folderMode); err != nil {
		return nil, fmt.Errorf("making the folder for logs: %w", err)
	}
	log, err := os.OpenFile(logPath, os.O_CREATE|os.O_WRONLY|os.O_APPEND, fileMode)
	if err != nil {
		return nil, fmt.Errorf("making the log of %s: %w", component, err)
	}
	defer log.Close()

	arguments := append(append([]string{}, run.arguments...), flags...)
	command := exec.Command(run.path, arguments...)
	command.Dir = folder
	command.Env = componentEnvironment(os.Environ(), folder)
	command.Stdout = log
	command.Stderr = log
	command.SysProcAttr = &syscall.SysProcAttr{
		// A signal from the terminal is for the launcher alone: it stops the
		// components in order.
		Setpgid: true,
		// A launcher that was killed cannot stop anything, and without it an
		// order between the components would not be kept: end at once.
		Pdeathsig: syscall.SIGKILL,
	}
	if err := command.Start(); err != nil {
		return nil, fmt.Errorf("starting %s: %w", component, err)
	}
	started := &process{component: component, logPath: logPath, command: command, done: make(chan struct{})}
	go func() {
		_ = command.Wait()
		close(started.done)
		ended <- started
	}()
	return started, nil
}

// componentEnvironment keeps settings of the user's out of the components:
// etcd takes flags from ETCD_…, kwok a configuration from the home folder.
func componentEnvironment(environment []string, home string) []string {
	kept := []string{"HOME=" + home}
	for _, variable := range environment {
		name, _, _ := strings.Cut(variable, "=")
		if name == "PATH" || name == "TMPDIR" || name == "TZ" || strings.HasPrefix(name, "GO") {
			kept = append(kept, variable)
		}
	}
	return kept
}

// failure describes how the process ended. Call it when done is closed.
func (p *process) failure() *ComponentError {
	return &ComponentError{
		Component: p.component,
		Status:    p.command.ProcessState.String(),
		LogPath:   p.logPath,
		LogTail:   logTail(p.logPath),
	}
}

// logTail answers the last lines of a file, and why it cannot when it cannot.
func logTail(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return err.Error()
	}
	defer file.Close()
	status, err := file.Stat()
	if err != nil {
		return err.Error()
	}
	if _, err := file.Seek(max(0, status.Size()-logTailBytes), io.SeekStart); err != nil {
		return err.Error()
	}
	content, err := io.ReadAll(file)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-logTailLines):], "\n")
}
