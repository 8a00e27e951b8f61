package main

import (
	"context"
	"encoding/json"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/strategicpatch"
	"k8s.io/client-go/util/retry"
)

// patchChecks are about writing a part of an object.
var patchChecks = []check{
	{"patches: a computed strategic merge patch merges containers by name", strategicPatch},
	{"patches: a failed test of a JSON patch is refused", failedTest},
	{"patches: one that carries an old resourceVersion conflicts", optimisticPatch},
	{"patches: an unknown type is refused", unknownPatch},
	{"status: the subresource writes the status alone, the object everything else", statusAlone},
	{"updates: many writers count to the end with retries", counting},
}

func quietDeployment(ctx context.Context, g *ground) (*appsv1.Deployment, error) {
	sent := deployment()
	sent.Name, sent.Spec.Replicas = "one", pointer(int32(0))
	return g.clients.AppsV1().Deployments(g.namespace).Create(ctx, sent, metav1.CreateOptions{})
}

func strategicPatch(ctx context.Context, g *ground) error {
	created, err := quietDeployment(ctx, g)
	if err != nil {
		return err
	}
	changed := created.DeepCopy()
	containers := &changed.Spec.Template.Spec.Containers
	(*containers)[0].Image = "example.com/image:2"
	(*containers)[0].Env = (*containers)[0].Env[1:]
	*containers = append(*containers, corev1.Container{Name: "second", Image: "example.com/second:1"})
	before, err := json.Marshal(created)
	if err != nil {
		return err
	}
	after, err := json.Marshal(changed)
	if err != nil {
		return err
	}
	patch, err := strategicpatch.CreateTwoWayMergePatch(before, after, appsv1.Deployment{})
	if err != nil {
		return err
	}
	got, err := g.clients.AppsV1().Deployments(g.namespace).Patch(ctx, "one", types.StrategicMergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	names := []string{}
	for _, container := range got.Spec.Template.Spec.Containers {
		names = append(names, container.Name+"="+container.Image)
	}
	return first(
		equal("the containers", fmt.Sprint(names), "[main=example.com/image:2 second=example.com/second:1]"),
		equal("variables of the first", len(got.Spec.Template.Spec.Containers[0].Env), 1),
		equal("the generation", got.Generation, created.Generation+1),
	)
}

func failedTest(ctx context.Context, g *ground) error {
	if _, err := quietDeployment(ctx, g); err != nil {
		return err
	}
	const patch = `[{"op":"test","path":"/spec/replicas","value":5},{"op":"replace","path":"/spec/replicas","value":6}]`
	_, err := g.clients.AppsV1().Deployments(g.namespace).Patch(ctx, "one", types.JSONPatchType, []byte(patch), metav1.PatchOptions{})
	return refused("a patch whose test fails", err, apierrors.IsInvalid)
}

func optimisticPatch(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	created, err := quietDeployment(ctx, g)
	if err != nil {
		return err
	}
	const change = `{"metadata":{"annotations":{"changed":"yes"}}}`
	if _, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(change), metav1.PatchOptions{}); err != nil {
		return err
	}
	patch := fmt.Sprintf(`{"metadata":{"resourceVersion":%q},"spec":{"replicas":0,"paused":true}}`, created.ResourceVersion)
	_, err = objects.Patch(ctx, "one", types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return refused("a patch of an old version", err, apierrors.IsConflict)
}

func unknownPatch(ctx context.Context, g *ground) error {
	if _, err := quietDeployment(ctx, g); err != nil {
		return err
	}
	_, err := g.clients.AppsV1().Deployments(g.namespace).Patch(ctx, "one", "application/example", []byte(`{}`), metav1.PatchOptions{})
	return refused("a patch of an unknown type", err, apierrors.IsUnsupportedMediaType)
}

func statusAlone(ctx context.Context, g *ground) error {
	sent := deployment()
	// While it is paused, no controller counts its replicas.
	sent.Name, sent.Spec.Replicas, sent.Spec.Paused = "one", pointer(int32(0)), true
	objects := g.clients.AppsV1().Deployments(g.namespace)
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	const patch = `{"spec":{"replicas":7},"status":{"conditions":[{"type":"Sampled","status":"True","reason":"Asked","message":"by a check"}]}}`
	got, err := objects.Patch(ctx, "one", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
	if err != nil {
		return err
	}
	sampled := func(object *appsv1.Deployment) (found bool) {
		for _, condition := range object.Status.Conditions {
			found = found || condition.Type == "Sampled"
		}
		return found
	}
	err = first(
		equal("replicas after a patch of the status", *got.Spec.Replicas, 0),
		equal("the generation after a patch of the status", got.Generation, created.Generation),
		equal("whether the status was written", sampled(got), true),
	)
	if err != nil {
		return err
	}
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		if got, err = objects.Get(ctx, "one", metav1.GetOptions{}); err != nil {
			return err
		}
		got.Spec.MinReadySeconds, got.Status = 3, appsv1.DeploymentStatus{}
		got, err = objects.Update(ctx, got, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	return first(
		equal("the generation after an update of the spec", got.Generation, created.Generation+1),
		equal("whether the status stayed", sampled(got), true),
	)
}

func counting(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "count"}, Data: map[string]string{"count": "0"}}
	if _, err := objects.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	const writers, each = 4, 5
	done := make(chan error, writers)
	for range writers {
		go func() {
			for range each {
				always := func(err error) bool { return apierrors.IsConflict(err) }
				backoff := retry.DefaultBackoff
				backoff.Steps = 50
				backoff.Factor = 1
				err := retry.OnError(backoff, always, func() error {
					got, err := objects.Get(ctx, "count", metav1.GetOptions{})
					if err != nil {
						return err
					}
					var count int
					if _, err := fmt.Sscan(got.Data["count"], &count); err != nil {
						return err
					}
					got.Data["count"] = fmt.Sprint(count + 1)
					_, err = objects.Update(ctx, got, metav1.UpdateOptions{})
					return err
				})
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range writers {
		if err := <-done; err != nil {
			return err
		}
	}
	got, err := objects.Get(ctx, "count", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return equal("the count", got.Data["count"], fmt.Sprint(writers*each))
}
