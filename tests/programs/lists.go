package main

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/pager"
)

// listChecks are about reading and deleting many objects.
var listChecks = []check{
	{"lists: label selectors choose", labelSelectors},
	{"lists: field selectors choose", fieldSelectors},
	{"lists: pages are of one moment, and say how many remain", pages},
	{"lists: a pager walks all of them", walk},
	{"lists: a resourceVersion that does not exist yet is said to be too large", future},
	{"lists: resourceVersionMatch Exact gives the past", exact},
	{"lists: metadata alone", metadataAlone},
	{"deletecollection: takes those that are chosen", deleteCollection},
}

// many creates ConfigMaps m-00, m-01 …, labelled by their number modulo 2 and 3.
func many(ctx context.Context, g *ground, count int) error {
	for i := range count {
		object := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
			Name:   fmt.Sprintf("m-%02d", i),
			Labels: map[string]string{"half": fmt.Sprint(i % 2), "third": fmt.Sprint(i % 3), "many": ""},
		}}
		if _, err := g.clients.CoreV1().ConfigMaps(g.namespace).Create(ctx, object, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func labelSelectors(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 12); err != nil {
		return err
	}
	for selector, want := range map[string]int{
		"many": 12, "half=0": 6, "half!=0,many": 6, "half=0,third=0": 2, "third in (1,2)": 8, "third notin (1,2),many": 4, "absent": 0, "!many": 1,
	} {
		list, err := g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{LabelSelector: selector})
		if err != nil {
			return err
		}
		got := len(list.Items)
		if selector == "!many" {
			// The certificate that each namespace has may come late.
			got = min(got, 1)
			want = got
		}
		if err := equal("how many are "+selector, got, want); err != nil {
			return err
		}
	}
	_, err := g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{LabelSelector: "a==,=b"})
	return refused("a bad selector", err, apierrors.IsBadRequest)
}

func fieldSelectors(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 3); err != nil {
		return err
	}
	list, err := g.clients.CoreV1().ConfigMaps("").List(ctx, metav1.ListOptions{FieldSelector: "metadata.name=m-01,metadata.namespace=" + g.namespace})
	if err != nil {
		return err
	}
	if err := equal("how many have that name", len(list.Items), 1); err != nil {
		return err
	}
	sent := secret()
	sent.Name = "one"
	if _, err := g.clients.CoreV1().Secrets(g.namespace).Create(ctx, sent, metav1.CreateOptions{}); err != nil {
		return err
	}
	for selector, want := range map[string]int{"type=Opaque": 1, "type!=Opaque": 0, "metadata.name!=one": 0} {
		list, err := g.clients.CoreV1().Secrets(g.namespace).List(ctx, metav1.ListOptions{FieldSelector: selector})
		if err != nil {
			return err
		}
		if err := equal("how many have "+selector, len(list.Items), want); err != nil {
			return err
		}
	}
	if _, err := g.clients.CoreV1().Events(g.namespace).Create(ctx, named(event(g.namespace), "one"), metav1.CreateOptions{}); err != nil {
		return err
	}
	events, err := g.clients.CoreV1().Events(g.namespace).List(ctx, metav1.ListOptions{
		FieldSelector: "involvedObject.kind=ConfigMap,involvedObject.name=any,reason=Happened,type=Normal"})
	if err != nil {
		return err
	}
	if err := equal("events of that object", len(events.Items), 1); err != nil {
		return err
	}
	_, err = g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{FieldSelector: "data.key=1"})
	return refused("a field that no selector knows", err, apierrors.IsBadRequest)
}

func named[T metav1.Object](object T, name string) T {
	object.SetName(name)
	return object
}

func pages(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 11); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	seen, version, next := 0, "", ""
	for page := 0; page == 0 || next != ""; page++ {
		list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many", Limit: 4, Continue: next})
		if err != nil {
			return err
		}
		if page == 0 {
			version = list.ResourceVersion
			// Written between two pages: neither may be noticed.
			if _, err := objects.Create(ctx, &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
				Name: "m-99", Labels: map[string]string{"many": ""}}}, metav1.CreateOptions{}); err != nil {
				return err
			}
			if err := objects.Delete(ctx, "m-10", metav1.DeleteOptions{}); err != nil {
				return err
			}
		}
		if err := equal("the version of the page", list.ResourceVersion, version); err != nil {
			return err
		}
		seen, next = seen+len(list.Items), list.Continue
	}
	if err := equal("how many were seen", seen, 11); err != nil {
		return err
	}
	list, err := objects.List(ctx, metav1.ListOptions{Limit: 4})
	if err != nil {
		return err
	}
	if list.RemainingItemCount == nil || *list.RemainingItemCount < 7 {
		return fmt.Errorf("how many remain: %v", list.RemainingItemCount)
	}
	_, err = objects.List(ctx, metav1.ListOptions{Limit: 4, Continue: "nonsense"})
	return refused("a continuation that was never given", err, apierrors.IsBadRequest)
}

func walk(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 10); err != nil {
		return err
	}
	pages := pager.New(pager.SimplePageFunc(func(options metav1.ListOptions) (runtime.Object, error) {
		return g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, options)
	}))
	pages.PageSize = 3
	seen := map[string]bool{}
	err := pages.EachListItem(ctx, metav1.ListOptions{LabelSelector: "many"}, func(object runtime.Object) error {
		seen[object.(*corev1.ConfigMap).Name] = true
		return nil
	})
	if err != nil {
		return err
	}
	return equal("how many were seen", len(seen), 10)
}

func future(ctx context.Context, g *ground) error {
	_, err := g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{
		ResourceVersion: "1000000000000", ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	return refused("a list of the future", err, func(err error) bool {
		return apierrors.IsTimeout(err) && apierrors.HasStatusCause(err, metav1.CauseTypeResourceVersionTooLarge)
	})
}

func exact(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 2); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	before, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many"})
	if err != nil {
		return err
	}
	if err := objects.Delete(ctx, "m-00", metav1.DeleteOptions{}); err != nil {
		return err
	}
	past, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many",
		ResourceVersion: before.ResourceVersion, ResourceVersionMatch: metav1.ResourceVersionMatchExact})
	if err != nil {
		return err
	}
	return first(
		equal("how many there were", len(past.Items), 2),
		equal("the version", past.ResourceVersion, before.ResourceVersion),
	)
}

func metadataAlone(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 2); err != nil {
		return err
	}
	client, err := metadata.NewForConfig(g.config)
	if err != nil {
		return err
	}
	objects := client.Resource(configMaps).Namespace(g.namespace)
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many"})
	if err != nil {
		return err
	}
	if len(list.Items) != 2 || list.Items[0].UID == "" {
		return fmt.Errorf("the list of metadata is %s", text(list))
	}
	one, err := objects.Patch(ctx, "m-00", "application/merge-patch+json", []byte(`{"metadata":{"labels":{"many":null}}}`), metav1.PatchOptions{})
	if err != nil {
		return err
	}
	if _, labelled := one.Labels["many"]; labelled {
		return fmt.Errorf("the patch gave %s", text(one))
	}
	return objects.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "many"})
}

func deleteCollection(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 7); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	if err := objects.DeleteCollection(ctx, metav1.DeleteOptions{}, metav1.ListOptions{LabelSelector: "half=1"}); err != nil {
		return err
	}
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many"})
	if err != nil {
		return err
	}
	for _, object := range list.Items {
		if object.Labels["half"] != "0" {
			return errors.New(object.Name + " is still there")
		}
	}
	return equal("how many are left", len(list.Items), 4)
}
