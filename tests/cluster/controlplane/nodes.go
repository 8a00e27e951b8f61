package controlplane

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
)

// readyCondition is the type of the condition that a usable node has.
const readyCondition = "Ready"

// kwokStages tell kwok what simulated nodes and pods do. They are kwok's own
// and the fastest: nodes and pods become ready at once, pods of Jobs succeed
// at once, deleted pods go at once.
func kwokStages() string {
	return strings.Join([]string{
		nodefast.DefaultNodeInit,
		nodeheartbeat.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodReady,
		podfast.DefaultPodComplete,
		podfast.DefaultPodDelete,
	}, "\n---\n")
}

// node is the part of a Node that we write and read.
type node struct {
	APIVersion string       `json:"apiVersion"`
	Kind       string       `json:"kind"`
	Metadata   nodeMetadata `json:"metadata"`
	Spec       struct {
		Taints []struct {
			Key string `json:"key"`
		} `json:"taints,omitempty"`
	} `json:"spec"`
	Status struct {
		Conditions []struct {
			Type   string `json:"type"`
			Status string `json:"status"`
		} `json:"conditions,omitempty"`
	} `json:"status"`
}

type nodeMetadata struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels,omitempty"`
}

// simulatedNode answers the node with this index.
func simulatedNode(index int) node {
	name := fmt.Sprintf("node-%d", index)
	return node{
		APIVersion: "v1",
		Kind:       "Node",
		Metadata: nodeMetadata{Name: name, Labels: map[string]string{
			"kubernetes.io/hostname": name,
			"kubernetes.io/os":       "linux",
			"kubernetes.io/arch":     "amd64",
		}},
	}
}

// takesPods tells whether the scheduler may use the node. A new node carries a
// taint until the controller manager has seen it ready.
func (n node) takesPods() bool {
	for _, condition := range n.Status.Conditions {
		if condition.Type == readyCondition {
			return condition.Status == "True" && len(n.Spec.Taints) == 0
		}
	}
	return false
}

// startNodes runs what schedules and simulates, and creates the nodes.
func (c *ControlPlane) startNodes(ctx context.Context) error {
	if err := c.run(Scheduler, schedulerFlags(c.layout)); err != nil {
		return err
	}
	if err := c.run(Kwok, kwokFlags(c.layout)); err != nil {
		return err
	}
	next := 0
	return c.waitUntil(ctx, "the simulated nodes", func(ctx context.Context) error {
		for ; next < c.options.Nodes; next++ {
			simulated := simulatedNode(next)
			if err := c.client.apply(ctx, c.nodesURL()+"/"+simulated.Metadata.Name, simulated); err != nil {
				return err
			}
		}
		return nil
	})
}

func (c *ControlPlane) nodesReady(ctx context.Context) error {
	answer, err := c.client.get(ctx, c.nodesURL())
	if err != nil {
		return err
	}
	var list struct {
		Items []node `json:"items"`
	}
	if err := json.Unmarshal(answer, &list); err != nil {
		return fmt.Errorf("reading the list of nodes: %w", err)
	}
	usable := 0
	for _, listed := range list.Items {
		if listed.takesPods() {
			usable++
		}
	}
	if usable < c.options.Nodes {
		return fmt.Errorf("%d of %d nodes take pods", usable, c.options.Nodes)
	}
	return nil
}

func (c *ControlPlane) nodesURL() string { return c.Server() + "/api/v1/nodes" }
