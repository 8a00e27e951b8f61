package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

var configMaps = schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}

// objectChecks are about what happens to an object from its creation to its end.
var objectChecks = []check{
	{"dynamic client: an object lives", dynamicLife},
	{"dry run: nothing is stored", dryRun},
	{"names: generateName is completed, and a bad name is refused with its field", names},
	{"validation: a Deployment's selector cannot change, and the field is named", immutableSelector},
	{"validation: an immutable ConfigMap stays as it is", immutableConfigMap},
	{"validation: unknown fields are refused when asked, and warned of otherwise", unknownFields},
	{"finalizers: an object stays until the last one goes, and takes no new ones", finalizers},
	{"owners: dependents go with their owner in the background", func(ctx context.Context, g *ground) error {
		return owners(ctx, g, metav1.DeletePropagationBackground)
	}},
	{"owners: dependents go before their owner in the foreground", func(ctx context.Context, g *ground) error {
		return owners(ctx, g, metav1.DeletePropagationForeground)
	}},
	{"owners: orphans stay without an owner", func(ctx context.Context, g *ground) error {
		return owners(ctx, g, metav1.DeletePropagationOrphan)
	}},
	{"owners: an owner that does not exist takes its dependents along", absentOwner},
	{"namespaces: one that ends takes its contents along, and takes nothing new", namespaceEnds},
}

func dynamicLife(ctx context.Context, g *ground) error {
	objects := g.dynamic.Resource(configMaps).Namespace(g.namespace)
	sent := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap",
		"metadata": map[string]any{"name": "one"}, "data": map[string]any{"key": "value"},
	}}
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	created.Object["data"] = map[string]any{"key": "other"}
	updated, err := objects.Update(ctx, created, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	same, err := objects.Update(ctx, updated, metav1.UpdateOptions{})
	if err != nil {
		return err
	}
	if err := equal("the version after an update that changes nothing", same.GetResourceVersion(), updated.GetResourceVersion()); err != nil {
		return err
	}
	patched, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"data":{"key":null,"new":"1"}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	if got := fmt.Sprint(patched.Object["data"]); got != "map[new:1]" {
		return fmt.Errorf("the data after a merge patch is %s", got)
	}
	if err := objects.Delete(ctx, "one", metav1.DeleteOptions{}); err != nil {
		return err
	}
	_, err = objects.Get(ctx, "one", metav1.GetOptions{})
	if err := refused("getting what was deleted", err, apierrors.IsNotFound); err != nil {
		return err
	}
	_, err = g.dynamic.Resource(schema.GroupVersionResource{Group: "none.example.com", Version: "v1", Resource: "things"}).List(ctx, metav1.ListOptions{})
	return refused("listing a kind that does not exist", err, apierrors.IsNotFound)
}

func dryRun(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.Name = "one"
	all := []string{metav1.DryRunAll}
	answered, err := objects.Create(ctx, sent, metav1.CreateOptions{DryRun: all})
	if err != nil {
		return err
	}
	if answered.UID == "" || answered.ResourceVersion != "" {
		return fmt.Errorf("a dry run of a creation answers %s", text(answered))
	}
	_, err = objects.Get(ctx, "one", metav1.GetOptions{})
	if err := refused("getting it", err, apierrors.IsNotFound); err != nil {
		return err
	}
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	patched, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"data":{"text":"other"}}`), metav1.PatchOptions{DryRun: all})
	if err != nil {
		return err
	}
	err = objects.Delete(ctx, "one", metav1.DeleteOptions{DryRun: all})
	if err != nil {
		return err
	}
	got, err := objects.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return first(
		equal("the text in the answer", patched.Data["text"], "other"),
		equal("the stored text", got.Data["text"], sent.Data["text"]),
		equal("the stored version", got.ResourceVersion, created.ResourceVersion),
	)
}

func names(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.GenerateName = "some-"
	one, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	two, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if one.Name == two.Name || len(one.Name) != len("some-")+5 {
		return fmt.Errorf("generated names are %s and %s", one.Name, two.Name)
	}
	sent.GenerateName, sent.Name = "", "Not_A_Name"
	_, err = objects.Create(ctx, sent, metav1.CreateOptions{})
	return refusedField("a bad name", err, "metadata.name")
}

// refusedField says what is wrong unless an error is of validation and names a field.
func refusedField(what string, err error, field string) error {
	if err := refused(what, err, apierrors.IsInvalid); err != nil {
		return err
	}
	var status apierrors.APIStatus
	if errors.As(err, &status) && status.Status().Details != nil {
		for _, cause := range status.Status().Details.Causes {
			if cause.Field == field {
				return nil
			}
		}
	}
	return fmt.Errorf("%s was refused for another field than %s: %w", what, field, err)
}

func immutableSelector(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	sent := deployment()
	sent.Name, sent.Spec.Replicas = "one", pointer(int32(0))
	if _, err := objects.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	const patch = `{"spec":{"selector":{"matchLabels":{"more":"1"}},"template":{"metadata":{"labels":{"more":"1"}}}}}`
	_, err := objects.Patch(ctx, "one", types.StrategicMergePatchType, []byte(patch), metav1.PatchOptions{})
	if err := refusedField("another selector", err, "spec.selector"); err != nil {
		return err
	}
	_, err = objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"spec":{"replicas":-1}}`), metav1.PatchOptions{})
	return refusedField("fewer than no replicas", err, "spec.replicas")
}

func immutableConfigMap(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.Name, sent.Immutable = "one", pointer(true)
	created, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	created.Data["text"] = "other"
	_, err = objects.Update(ctx, created, metav1.UpdateOptions{})
	return refusedField("other data", err, "data")
}

func unknownFields(ctx context.Context, g *ground) error {
	objects := g.clients.AppsV1().Deployments(g.namespace)
	sent := deployment()
	sent.Name, sent.Spec.Replicas = "one", pointer(int32(0))
	if _, err := objects.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	patch := []byte(`{"spec":{"replica":3}}`)
	_, err := objects.Patch(ctx, "one", types.MergePatchType, patch, metav1.PatchOptions{FieldValidation: metav1.FieldValidationStrict})
	if err := refused("an unknown field", err, func(err error) bool { return apierrors.IsBadRequest(err) || apierrors.IsInvalid(err) }); err != nil {
		return err
	}
	_, err = objects.Patch(ctx, "one", types.MergePatchType, patch, metav1.PatchOptions{FieldValidation: metav1.FieldValidationWarn})
	return err
}

func finalizers(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.Name, sent.Finalizers = "one", []string{"example.com/first", "example.com/second"}
	if _, err := objects.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	for range 2 {
		if err := objects.Delete(ctx, "one", metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	deleted, err := objects.Get(ctx, "one", metav1.GetOptions{})
	if err != nil {
		return err
	}
	if deleted.DeletionTimestamp == nil || deleted.DeletionGracePeriodSeconds == nil {
		return errors.New("a deleted object with finalizers has no deletionTimestamp")
	}
	_, err = objects.Patch(ctx, "one", types.JSONPatchType,
		[]byte(`[{"op":"add","path":"/metadata/finalizers/-","value":"example.com/third"}]`), metav1.PatchOptions{})
	if err := refusedField("another finalizer", err, "metadata.finalizers"); err != nil {
		return err
	}
	deleted.Finalizers = deleted.Finalizers[1:]
	deleted.Data["text"] = "changed on the way"
	if deleted, err = objects.Update(ctx, deleted, metav1.UpdateOptions{}); err != nil {
		return err
	}
	deleted.Finalizers = nil
	if _, err = objects.Update(ctx, deleted, metav1.UpdateOptions{}); err != nil {
		return err
	}
	_, err = objects.Get(ctx, "one", metav1.GetOptions{})
	return refused("getting it after its last finalizer", err, apierrors.IsNotFound)
}

func owned(name string, owner *corev1.ConfigMap) *corev1.ConfigMap {
	object := configMap()
	object.Name = name
	object.OwnerReferences = []metav1.OwnerReference{{
		APIVersion: "v1", Kind: "ConfigMap", Name: owner.Name, UID: owner.UID,
		Controller: pointer(true), BlockOwnerDeletion: pointer(true),
	}}
	return object
}

func owners(ctx context.Context, g *ground, policy metav1.DeletionPropagation) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.Name = "owner"
	owner, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	child := owned("child", owner)
	// In the foreground, the owner waits for the child, and the child for its finalizer.
	inForeground := policy == metav1.DeletePropagationForeground
	if inForeground {
		child.Finalizers = []string{"example.com/wait"}
	}
	child, err = objects.Create(ctx, child, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	if _, err := objects.Create(ctx, owned("grandchild", child), metav1.CreateOptions{}); err != nil {
		return err
	}
	// The garbage collector has to have seen the children.
	get := func(name string) func() error {
		return func() error {
			_, err := objects.Get(ctx, name, metav1.GetOptions{})
			return err
		}
	}
	if err := objects.Delete(ctx, "owner", metav1.DeleteOptions{PropagationPolicy: &policy}); err != nil {
		return err
	}
	if inForeground {
		err := g.eventually(ctx, "the child is being deleted", func() error {
			child, err := objects.Get(ctx, "child", metav1.GetOptions{})
			if err == nil && child.DeletionTimestamp == nil {
				err = errors.New("it is not")
			}
			return err
		})
		if err != nil {
			return err
		}
		waiting, err := objects.Get(ctx, "owner", metav1.GetOptions{})
		if err != nil {
			return fmt.Errorf("the owner did not wait for its child: %w", err)
		}
		if err := equal("the owner's finalizers", fmt.Sprint(waiting.Finalizers), "[foregroundDeletion]"); err != nil {
			return err
		}
		// The collector keeps its own finalizer at the child, for the grandchild.
		const patch = `[{"op":"test","path":"/metadata/finalizers/0","value":"example.com/wait"},{"op":"remove","path":"/metadata/finalizers/0"}]`
		if _, err := objects.Patch(ctx, "child", types.JSONPatchType, []byte(patch), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	if err := g.gone(ctx, "the owner", get("owner")); err != nil {
		return err
	}
	if policy != metav1.DeletePropagationOrphan {
		return first(g.gone(ctx, "the child", get("child")), g.gone(ctx, "the grandchild", get("grandchild")))
	}
	orphan, err := objects.Get(ctx, "child", metav1.GetOptions{})
	if err != nil {
		return err
	}
	return first(equal("owners of the orphan", len(orphan.OwnerReferences), 0), get("grandchild")())
}

func absentOwner(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	absent := configMap()
	absent.Name, absent.UID = "absent", "3f0a9a3e-0000-4000-8000-000000000000"
	if _, err := objects.Create(ctx, owned("child", absent), metav1.CreateOptions{}); err != nil {
		return err
	}
	return g.gone(ctx, "the child", func() error {
		_, err := objects.Get(ctx, "child", metav1.GetOptions{})
		return err
	})
}

func namespaceEnds(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	sent := configMap()
	sent.Name, sent.Finalizers = "one", []string{"example.com/wait"}
	if _, err := objects.Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	namespaces := g.clients.CoreV1().Namespaces()
	if err := namespaces.Delete(ctx, g.namespace, metav1.DeleteOptions{}); err != nil {
		return err
	}
	sent.Name = "two"
	_, err := objects.Create(ctx, sent, metav1.CreateOptions{})
	forbidden := func(err error) bool {
		return apierrors.IsForbidden(err) && apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause)
	}
	if err := refused("an object in a namespace that ends", err, forbidden); err != nil {
		return err
	}
	err = g.eventually(ctx, "the namespace says what remains", func() error {
		namespace, err := namespaces.Get(ctx, g.namespace, metav1.GetOptions{})
		if err != nil {
			return err
		}
		for _, condition := range namespace.Status.Conditions {
			if condition.Type == corev1.NamespaceFinalizersRemaining && condition.Status == corev1.ConditionTrue {
				return equal("its phase", namespace.Status.Phase, corev1.NamespaceTerminating)
			}
		}
		return fmt.Errorf("its conditions are %v", namespace.Status.Conditions)
	})
	if err != nil {
		return err
	}
	if _, err := objects.Patch(ctx, "one", types.MergePatchType, []byte(`{"metadata":{"finalizers":null}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	return g.gone(ctx, "the namespace", func() error {
		_, err := namespaces.Get(ctx, g.namespace, metav1.GetOptions{})
		return err
	})
}
