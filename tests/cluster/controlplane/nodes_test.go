package controlplane

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestNodeTakesPodsWhenReadyAndWithoutTaints(t *testing.T) {
	for name, row := range map[string]struct {
		node   string
		wanted bool
	}{
		"new":                {`{}`, false},
		"not ready":          {`{"status":{"conditions":[{"type":"Ready","status":"False"}]}}`, false},
		"ready, but tainted": {`{"spec":{"taints":[{"key":"node.kubernetes.io/not-ready"}]},"status":{"conditions":[{"type":"Ready","status":"True"}]}}`, false},
		"ready":              {`{"status":{"conditions":[{"type":"DiskPressure","status":"False"},{"type":"Ready","status":"True"}]}}`, true},
	} {
		var read node
		if err := json.Unmarshal([]byte(row.node), &read); err != nil {
			t.Fatal(err)
		}
		if read.takesPods() != row.wanted {
			t.Errorf("%s: takes pods is %t", name, read.takesPods())
		}
	}
}

func TestStagesCoverNodesAndPods(t *testing.T) {
	stages := kwokStages()
	for _, wanted := range []string{"name: node-initialize", "name: node-heartbeat-with-lease", "name: pod-ready", "name: pod-complete", "name: pod-delete"} {
		if !strings.Contains(stages, wanted) {
			t.Errorf("%s is missing", wanted)
		}
	}
}
