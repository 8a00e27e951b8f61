package main

import (
	"context"
	"errors"
	"fmt"

	autoscalingv1 "k8s.io/api/autoscaling/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/client-go/util/retry"
)

// workloadChecks are about things that run.
var workloadChecks = []check{
	{"workloads: a Deployment becomes available, and again after a change", deploymentRuns},
	{"workloads: a StatefulSet and a DaemonSet become ready", setsRun},
	{"workloads: a Job completes", jobCompletes},
	{"scale: is read and written through the subresource", scaling},
	{"eviction: is refused while a budget allows none, and carried out otherwise", eviction},
}

func deploymentRuns(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	if _, err := objects.Create(ctx, named(deployment(), "one"), metav1.CreateOptions{}); err != nil {
		return err
	}
	available := func() error {
		got, err := objects.Get(ctx, "one", metav1.GetOptions{})
		if err != nil {
			return err
		}
		status, want := got.Status, *got.Spec.Replicas
		if status.ObservedGeneration != got.Generation || status.UpdatedReplicas != want || status.AvailableReplicas != want || status.Replicas != want {
			return errors.New("its status is " + text(status))
		}
		for _, condition := range status.Conditions {
			if condition.Type == "Available" && condition.Status == corev1.ConditionTrue {
				return nil
			}
		}
		return errors.New("it has no such condition: " + text(status))
	}
	if err := g.eventually(ctx, "it is available", available); err != nil {
		return err
	}
	const patch = `{"spec":{"replicas":3,"template":{"metadata":{"annotations":{"restarted":"1"}}}}}`
	if _, err := objects.Patch(ctx, "one", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := g.eventually(ctx, "it is available again", available); err != nil {
		return err
	}
	sets, err := g.clients.AppsV1().ReplicaSets(g.namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=sample"})
	if err != nil {
		return err
	}
	if len(sets.Items) != 2 || !metav1.HasLabel(sets.Items[0].ObjectMeta, "pod-template-hash") {
		return fmt.Errorf("the ReplicaSets of two revisions are %d: %s", len(sets.Items), text(sets.Items))
	}
	if err := objects.Delete(ctx, "one", metav1.DeleteOptions{PropagationPolicy: pointer(metav1.DeletePropagationForeground)}); err != nil {
		return err
	}
	return g.eventually(ctx, "the ReplicaSets go with it", func() error {
		sets, err := g.clients.AppsV1().ReplicaSets(g.namespace).List(ctx, metav1.ListOptions{})
		return first(err, equal("how many there are", len(sets.Items), 0))
	})
}

func setsRun(ctx context.Context, g *ground) error {
	stateful, daemons := g.clients.AppsV1().StatefulSets(g.namespace), g.clients.AppsV1().DaemonSets(g.namespace)
	sent := named(statefulSet(), "one")
	sent.Spec.Replicas = pointer(int32(2))
	if _, err := stateful.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	other := named(daemonSet(), "two")
	other.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{"app": "daemon"}}
	other.Spec.Template.Labels = map[string]string{"app": "daemon"}
	if _, err := daemons.Create(ctx, other, metav1.CreateOptions{}); err != nil {
		return err
	}
	return first(
		g.eventually(ctx, "the StatefulSet is ready", func() error {
			got, err := stateful.Get(ctx, "one", metav1.GetOptions{})
			return first(err, equal("its ready replicas", got.Status.ReadyReplicas, 2),
				equal("its observed generation", got.Status.ObservedGeneration, got.Generation),
				equal("its revision", got.Status.UpdateRevision, got.Status.CurrentRevision))
		}),
		g.eventually(ctx, "the DaemonSet is ready", func() error {
			got, err := daemons.Get(ctx, "two", metav1.GetOptions{})
			return first(err, equal("its observed generation", got.Status.ObservedGeneration, got.Generation),
				equal("how many are ready", got.Status.NumberReady, got.Status.DesiredNumberScheduled),
				equal("how many are updated", got.Status.UpdatedNumberScheduled, got.Status.DesiredNumberScheduled))
		}),
	)
}

func jobCompletes(ctx context.Context, g *ground) error {
	objects := g.clients.BatchV1().Jobs(g.namespace)
	if _, err := objects.Create(ctx, named(job(), "one"), metav1.CreateOptions{}); err != nil {
		return err
	}
	return g.eventually(ctx, "the Job completes", func() error {
		got, err := objects.Get(ctx, "one", metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range got.Status.Conditions {
			if condition.Type == batchv1.JobComplete && condition.Status == corev1.ConditionTrue {
				return first(equal("how many succeeded", got.Status.Succeeded, 1), equal("whether its end is known", got.Status.CompletionTime != nil, true))
			}
		}
		return errors.New("its status is " + text(got.Status))
	})
}

func scaling(ctx context.Context, g *ground) error {
	if _, err := quietDeployment(ctx, g); err != nil {
		return err
	}
	client, err := discoverer(g, false)
	if err != nil {
		return err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client))
	scales, err := scale.NewForConfig(g.config, mapper, dynamicPath, scale.NewDiscoveryScaleKindResolver(client))
	if err != nil {
		return err
	}
	deployments := schema.GroupResource{Group: "apps", Resource: "deployments"}
	// A controller may write the Deployment in between.
	err = retry.RetryOnConflict(retry.DefaultRetry, func() error {
		got, err := scales.Scales(g.namespace).Get(ctx, deployments, "one", metav1.GetOptions{})
		if err != nil {
			return err
		}
		if err := first(equal("the replicas", got.Spec.Replicas, 0), equal("the selector", got.Status.Selector, "app=sample,app")); err != nil {
			return err
		}
		got.Spec.Replicas = 1
		_, err = scales.Scales(g.namespace).Update(ctx, deployments, got, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return err
	}
	typed, err := g.clients.AppsV1().Deployments(g.namespace).UpdateScale(ctx, "one",
		&autoscalingv1.Scale{ObjectMeta: metav1.ObjectMeta{Name: "one", Namespace: g.namespace}, Spec: autoscalingv1.ScaleSpec{Replicas: 2}}, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	deployment, err := g.clients.AppsV1().Deployments(g.namespace).Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	_, err = scales.Scales(g.namespace).Get(ctx, schema.GroupResource{Resource: "configmaps"}, "one", metav1.GetOptions{})
	return first(
		equal("the answered replicas", typed.Spec.Replicas, 2),
		equal("the stored replicas", *deployment.Spec.Replicas, 2),
		refused("a scale of a ConfigMap", err, apierrors.IsNotFound),
	)
}

// dynamicPath is where a group's version is served.
func dynamicPath(kind schema.GroupVersionKind) string {
	if kind.Group == "" {
		return "/api"
	}
	return "/apis"
}

func eviction(ctx context.Context, g *ground) error {
	pods := g.clients.CoreV1().Pods(g.namespace)
	if _, err := g.clients.PolicyV1().PodDisruptionBudgets(g.namespace).Create(ctx, named(&policyv1.PodDisruptionBudget{
		Spec: policyv1.PodDisruptionBudgetSpec{Selector: sampleSelector, MinAvailable: budget().Spec.MinAvailable},
	}, "one"), metav1.CreateOptions{}); err != nil {
		return err
	}
	for _, name := range []string{"kept", "free"} {
		sent := named(pod(), name)
		sent.Labels = map[string]string{"app": map[string]string{"kept": "sample", "free": "other"}[name]}
		// On a node that does not exist, nothing else writes the status.
		sent.Spec.NodeName = "absent"
		if _, err := pods.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
			return err
		}
		const running = `{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}`
		if _, err := pods.Patch(ctx, name, types.StrategicMergePatchType, []byte(running), metav1.PatchOptions{}, "status"); err != nil {
			return err
		}
	}
	evict := func(name string) error {
		return pods.EvictV1(ctx, &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: g.namespace}})
	}
	// One of one is all there is: half of it, rounded up, may not go.
	err := evict("kept")
	if err := refused("evicting the only one", err, apierrors.IsTooManyRequests); err != nil {
		return err
	}
	if !apierrors.HasStatusCause(err, policyv1.DisruptionBudgetCause) {
		return fmt.Errorf("the refusal has no such cause: %s", text(err))
	}
	if err := evict("free"); err != nil {
		return err
	}
	if err := g.eventually(ctx, "the evicted pod is deleted", func() error {
		got, err := pods.Get(ctx, "free", metav1.GetOptions{})
		if apierrors.IsNotFound(err) || (err == nil && got.DeletionTimestamp != nil) {
			return nil
		}
		return fmt.Errorf("it is there: %v", err)
	}); err != nil {
		return err
	}
	return refused("evicting what does not exist", evict("absent"), apierrors.IsNotFound)
}
