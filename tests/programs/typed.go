package main

import (
	"context"
	"encoding/json"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
)

// typedChecks go through the life of an object with each generated client: what is sent is protobuf.
var typedChecks = []check{
	{"typed client: ConfigMap", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().ConfigMaps(g.namespace), configMap())
	}},
	{"typed client: Secret", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().Secrets(g.namespace), secret())
	}},
	{"typed client: Service", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().Services(g.namespace), service())
	}},
	{"typed client: ServiceAccount", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().ServiceAccounts(g.namespace), serviceAccount())
	}},
	{"typed client: Pod", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().Pods(g.namespace), pod())
	}},
	{"typed client: PersistentVolumeClaim", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().PersistentVolumeClaims(g.namespace), claim())
	}},
	{"typed client: ResourceQuota", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().ResourceQuotas(g.namespace), quota())
	}},
	{"typed client: LimitRange", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().LimitRanges(g.namespace), limitRange())
	}},
	{"typed client: Event", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoreV1().Events(g.namespace), event(g.namespace))
	}},
	{"typed client: events.k8s.io Event", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.EventsV1().Events(g.namespace), newEvent(g.namespace))
	}},
	{"typed client: Deployment", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.AppsV1().Deployments(g.namespace), deployment())
	}},
	{"typed client: StatefulSet", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.AppsV1().StatefulSets(g.namespace), statefulSet())
	}},
	{"typed client: DaemonSet", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.AppsV1().DaemonSets(g.namespace), daemonSet())
	}},
	{"typed client: Job", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.BatchV1().Jobs(g.namespace), job())
	}},
	{"typed client: CronJob", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.BatchV1().CronJobs(g.namespace), cronJob())
	}},
	{"typed client: Lease", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.CoordinationV1().Leases(g.namespace), lease())
	}},
	{"typed client: NetworkPolicy", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.NetworkingV1().NetworkPolicies(g.namespace), networkPolicy())
	}},
	{"typed client: Ingress", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.NetworkingV1().Ingresses(g.namespace), ingress())
	}},
	{"typed client: PodDisruptionBudget", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.PolicyV1().PodDisruptionBudgets(g.namespace), budget())
	}},
	{"typed client: Role", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.RbacV1().Roles(g.namespace), role())
	}},
	{"typed client: RoleBinding", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.RbacV1().RoleBindings(g.namespace), roleBinding("someone"))
	}},
	{"typed client: ClusterRole", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.RbacV1().ClusterRoles(), clusterRole())
	}},
	{"typed client: ValidatingWebhookConfiguration", func(ctx context.Context, g *ground) error {
		return life(ctx, g, g.clients.AdmissionregistrationV1().ValidatingWebhookConfigurations(), webhooks())
	}},
}

// object is what the generated types are.
type object interface {
	runtime.Object
	metav1.Object
}

// client is what the generated clients have in common.
type client[T object, L runtime.Object] interface {
	Create(context.Context, T, metav1.CreateOptions) (T, error)
	Update(context.Context, T, metav1.UpdateOptions) (T, error)
	Delete(context.Context, string, metav1.DeleteOptions) error
	Get(context.Context, string, metav1.GetOptions) (T, error)
	List(context.Context, metav1.ListOptions) (L, error)
	Patch(context.Context, string, types.PatchType, []byte, metav1.PatchOptions, ...string) (T, error)
}

// life creates, gets, lists, updates, patches and deletes an object.
func life[T object, L runtime.Object](ctx context.Context, g *ground, objects client[T, L], sent T) error {
	name := g.namespace
	sent.SetName(name)
	labels := labels.Set{"programs": name}
	sent.SetLabels(labels)
	created, err := objects.Create(ctx, sent.DeepCopyObject().(T), metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("creating: %w", err)
	}
	born := created.GetCreationTimestamp()
	if created.GetUID() == "" || created.GetResourceVersion() == "" || born.IsZero() {
		return fmt.Errorf("creating gave no identity: %s", text(created))
	}
	if err := within("", asJSON(sent), asJSON(created)); err != nil {
		return fmt.Errorf("what was created is not what was sent: %w", err)
	}
	_, err = objects.Create(ctx, sent.DeepCopyObject().(T), metav1.CreateOptions{})
	if err := refused("creating it again", err, apierrors.IsAlreadyExists); err != nil {
		return err
	}
	got, err := objects.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("getting: %w", err)
	}
	if err := within("", asJSON(sent), asJSON(got)); err != nil {
		return fmt.Errorf("what is got is not what was sent: %w", err)
	}
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: labels.String()})
	if err != nil {
		return fmt.Errorf("listing: %w", err)
	}
	if err := equal("the length of the list", meta.LenList(list), 1); err != nil {
		return err
	}
	return first(change(ctx, objects, name, created), remove(ctx, g, objects, name, created.GetUID()))
}

func change[T object, L runtime.Object](ctx context.Context, objects client[T, L], name string, created T) error {
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		object, err := objects.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		object.SetAnnotations(map[string]string{"updated": "yes"})
		_, err = objects.Update(ctx, object, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("updating: %w", err)
	}
	created.SetAnnotations(map[string]string{"updated": "no"})
	_, err = objects.Update(ctx, created, metav1.UpdateOptions{})
	if err := refused("updating an old version", err, apierrors.IsConflict); err != nil {
		return err
	}
	for patch, body := range map[types.PatchType]string{
		types.StrategicMergePatchType: `{"metadata":{"annotations":{"strategic":"yes"}}}`,
		types.MergePatchType:          `{"metadata":{"annotations":{"merge":"yes"}}}`,
		types.JSONPatchType:           `[{"op":"add","path":"/metadata/annotations/json","value":"yes"}]`,
	} {
		if _, err := objects.Patch(ctx, name, patch, []byte(body), metav1.PatchOptions{}); err != nil {
			return fmt.Errorf("patching with %s: %w", patch, err)
		}
	}
	got, err := objects.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("getting: %w", err)
	}
	for _, key := range []string{"updated", "strategic", "merge", "json"} {
		if got.GetAnnotations()[key] != "yes" {
			return fmt.Errorf("the annotation %s is missing: %v", key, got.GetAnnotations())
		}
	}
	return nil
}

func remove[T object, L runtime.Object](
	ctx context.Context, g *ground, objects client[T, L], name string, uid types.UID,
) error {
	another := types.UID("00000000-0000-0000-0000-000000000000")
	err := objects.Delete(ctx, name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &another}})
	if err := refused("deleting another's uid", err, apierrors.IsConflict); err != nil {
		return err
	}
	options := metav1.DeleteOptions{
		Preconditions:      &metav1.Preconditions{UID: &uid},
		PropagationPolicy:  pointer(metav1.DeletePropagationBackground),
		GracePeriodSeconds: pointer(int64(0)),
	}
	if err := objects.Delete(ctx, name, options); err != nil {
		return fmt.Errorf("deleting: %w", err)
	}
	return g.gone(ctx, name, func() error {
		_, err := objects.Get(ctx, name, metav1.GetOptions{})
		return err
	})
}

// within says what is missing unless all of an object is in another; what defaults add may be there besides.
func within(path string, sent, got any) error {
	switch sent := sent.(type) {
	case nil:
		return nil
	case map[string]any:
		got, _ := got.(map[string]any)
		for key, value := range sent {
			if path == "" && key == "status" {
				continue
			}
			if err := within(path+"."+key, value, got[key]); err != nil {
				return err
			}
		}
		return nil
	case []any:
		got, _ := got.([]any)
		if len(got) != len(sent) {
			return fmt.Errorf("%s has %d items, not %d", path, len(got), len(sent))
		}
		for i := range sent {
			if err := within(fmt.Sprintf("%s[%d]", path, i), sent[i], got[i]); err != nil {
				return err
			}
		}
		return nil
	}
	return equal(path, got, sent)
}

func asJSON(object any) (value any) {
	_ = json.Unmarshal([]byte(text(object)), &value)
	return value
}

func text(value any) string {
	written, err := json.Marshal(value)
	if err != nil {
		return err.Error()
	}
	return string(written)
}
