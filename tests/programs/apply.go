package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/sets"
	appsapply "k8s.io/client-go/applyconfigurations/apps/v1"
	coreapply "k8s.io/client-go/applyconfigurations/core/v1"
	metaapply "k8s.io/client-go/applyconfigurations/meta/v1"
	"k8s.io/client-go/util/csaupgrade"
)

// applyChecks are about server-side apply.
var applyChecks = []check{
	{"apply: creates, changes, and takes away what is no longer said", applyLife},
	{"apply: a conflict names the field and its owner, and force takes it over", applyConflict},
	{"apply: several managers share lists by their keys", applyLists},
	{"apply: an extracted configuration is what was applied", applyExtract},
	{"apply: to the status", applyStatus},
	{"apply: what kubectl applied before is handed over", applyHandOver},
	{"apply: with the dynamic client", applyDynamic},
}

func by(manager string) metav1.ApplyOptions { return metav1.ApplyOptions{FieldManager: manager} }

func forced(manager string) metav1.ApplyOptions {
	return metav1.ApplyOptions{FieldManager: manager, Force: true}
}

func applyLife(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	both := coreapply.ConfigMap("one", g.namespace).WithData(map[string]string{"a": "1", "b": "2"})
	created, err := objects.Apply(ctx, both, by("first"))
	if err != nil {
		return err
	}
	same, err := objects.Apply(ctx, both, by("first"))
	if err != nil {
		return err
	}
	if err := equal("the version after the same again", same.ResourceVersion, created.ResourceVersion); err != nil {
		return err
	}
	if _, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"data":{"c":"3"}}`), metav1.PatchOptions{FieldManager: "second"}); err != nil {
		return err
	}
	got, err := objects.Apply(ctx, coreapply.ConfigMap("one", g.namespace).WithData(map[string]string{"a": "1"}), by("first"))
	if err != nil {
		return err
	}
	if err := equal("the data", fmt.Sprint(got.Data), "map[a:1 c:3]"); err != nil {
		return err
	}
	_, err = objects.Apply(ctx, both, metav1.ApplyOptions{})
	return refused("an apply by nobody", err, func(err error) bool { return apierrors.IsBadRequest(err) || apierrors.IsInvalid(err) })
}

func applyConflict(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	with := func(value string) *coreapply.ConfigMapApplyConfiguration {
		return coreapply.ConfigMap("one", g.namespace).WithData(map[string]string{"key": value})
	}
	if _, err := objects.Apply(ctx, with("1"), by("first")); err != nil {
		return err
	}
	_, err := objects.Apply(ctx, with("2"), by("second"))
	if err := refused("another value", err, apierrors.IsConflict); err != nil {
		return err
	}
	cause, found := apierrors.StatusCause(err, metav1.CauseTypeFieldManagerConflict)
	if !found || cause.Field != ".data.key" || cause.Message != `conflict with "first"` {
		return fmt.Errorf("the cause of the conflict is %+v", cause)
	}
	if _, err := objects.Apply(ctx, with("1"), by("third")); err != nil {
		return fmt.Errorf("the same value of another manager: %w", err)
	}
	got, err := objects.Apply(ctx, with("2"), forced("second"))
	if err != nil {
		return err
	}
	owners := []string{}
	for _, entry := range got.ManagedFields {
		if strings.Contains(string(entry.FieldsV1.Raw), "f:key") {
			owners = append(owners, entry.Manager)
		}
	}
	return first(
		equal("the value", got.Data["key"], "2"),
		equal("its owners", fmt.Sprint(owners), "[second]"),
	)
}

func applied(g *ground, image string) *appsapply.DeploymentApplyConfiguration {
	return appsapply.Deployment("one", g.namespace).WithSpec(appsapply.DeploymentSpec().
		WithReplicas(0).
		WithSelector(metaapply.LabelSelector().WithMatchLabels(sampleLabels)).
		WithTemplate(coreapply.PodTemplateSpec().WithLabels(sampleLabels).WithSpec(coreapply.PodSpec().
			WithContainers(coreapply.Container().WithName("main").WithImage(image).
				WithPorts(coreapply.ContainerPort().WithContainerPort(80).WithName("web"))))))
}

func applyLists(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	if _, err := objects.Apply(ctx, applied(g, "example.com/image:1"), by("first")); err != nil {
		return err
	}
	sidecar := appsapply.Deployment("one", g.namespace).WithSpec(appsapply.DeploymentSpec().WithTemplate(
		coreapply.PodTemplateSpec().WithSpec(coreapply.PodSpec().WithContainers(
			coreapply.Container().WithName("main").WithEnv(coreapply.EnvVar().WithName("ADDED").WithValue("yes")),
			coreapply.Container().WithName("sidecar").WithImage("example.com/sidecar:1")))))
	if _, err := objects.Apply(ctx, sidecar, by("second")); err != nil {
		return err
	}
	got, err := objects.Apply(ctx, applied(g, "example.com/image:2"), by("first"))
	if err != nil {
		return err
	}
	containers := got.Spec.Template.Spec.Containers
	if len(containers) != 2 || containers[0].Image != "example.com/image:2" || len(containers[0].Env) != 1 {
		return fmt.Errorf("the containers are %s", text(containers))
	}
	got, err = objects.Apply(ctx, appsapply.Deployment("one", g.namespace), by("second"))
	if err != nil {
		return err
	}
	containers = got.Spec.Template.Spec.Containers
	if len(containers) != 1 || len(containers[0].Env) != 0 || len(containers[0].Ports) != 1 {
		return fmt.Errorf("the containers are %s", text(containers))
	}
	return nil
}

func applyExtract(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	got, err := objects.Apply(ctx, applied(g, "example.com/image:1"), by("first"))
	if err != nil {
		return err
	}
	extracted, err := appsapply.ExtractDeployment(got, "first")
	if err != nil {
		return err
	}
	if err := equal("what is extracted", text(extracted), text(applied(g, "example.com/image:1"))); err != nil {
		return err
	}
	extracted.Spec.WithMinReadySeconds(5)
	got, err = objects.Apply(ctx, extracted, by("first"))
	return first(err, equal("its minReadySeconds", got.Spec.MinReadySeconds, 5))
}

func applyStatus(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	if _, err := objects.Apply(ctx, applied(g, "example.com/image:1"), by("first")); err != nil {
		return err
	}
	status := appsapply.Deployment("one", g.namespace).WithStatus(appsapply.DeploymentStatus().WithConditions(
		appsapply.DeploymentCondition().WithType("Sampled").WithStatus(corev1.ConditionTrue)))
	got, err := objects.ApplyStatus(ctx, status, forced("first"))
	if err != nil {
		return err
	}
	for _, entry := range got.ManagedFields {
		if entry.Manager == "first" && entry.Subresource == "status" && entry.Operation == metav1.ManagedFieldsOperationApply {
			return nil
		}
	}
	return fmt.Errorf("nobody owns the status: %s", text(got.ManagedFields))
}

func applyHandOver(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "one"}, Data: map[string]string{"a": "1", "b": "2"}}
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{FieldManager: "kubectl-client-side-apply"})
	if err != nil {
		return err
	}
	managers := sets.New("kubectl-client-side-apply")
	if err := csaupgrade.UpgradeManagedFields(created, managers, "kubectl"); err != nil {
		return err
	}
	if _, err := objects.Update(ctx, created, metav1.UpdateOptions{FieldManager: "kubectl"}); err != nil {
		return err
	}
	got, err := objects.Apply(ctx, coreapply.ConfigMap("one", g.namespace).WithData(map[string]string{"a": "1"}), by("kubectl"))
	if err != nil {
		return err
	}
	return equal("the data", fmt.Sprint(got.Data), "map[a:1]")
}

func applyDynamic(ctx context.Context, g *ground) error {
	objects := g.dynamic.Resource(configMaps).Namespace(g.namespace)
	sent := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "one"}, "data": map[string]any{"a": "1"},
	}}
	created, err := objects.Apply(ctx, "one", sent, by("first"))
	if err != nil {
		return err
	}
	if len(created.GetManagedFields()) != 1 {
		return errors.New("one manager was expected: " + text(created.GetManagedFields()))
	}
	_, err = objects.Patch(ctx, "one", types.ApplyPatchType, []byte(text(created)), metav1.PatchOptions{FieldManager: "first"})
	return refused("a configuration with managedFields", err, apierrors.IsBadRequest)
}
