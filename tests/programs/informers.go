package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/metadata/metadatainformer"
	"k8s.io/client-go/tools/cache"
)

// informerChecks are about programs that keep a copy of what there is.
var informerChecks = []check{
	{"informers: a shared one follows every change, and repeats them at a resync", sharedInformer},
	{"informers: many kinds have synced", manyInformers},
	{"informers: dynamic ones", func(ctx context.Context, g *ground) error {
		factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(g.dynamic, 0, g.namespace, nil)
		return follows(ctx, g, factory.ForResource(configMaps).Informer())
	}},
	{"informers: of metadata alone", func(ctx context.Context, g *ground) error {
		client, err := metadata.NewForConfig(g.config)
		if err != nil {
			return err
		}
		factory := metadatainformer.NewFilteredSharedInformerFactory(client, 0, g.namespace, nil)
		return follows(ctx, g, factory.ForResource(configMaps).Informer())
	}},
	{"informers: an indexer finds by its own key", indexer},
}

// heard counts what an informer's handler was told of an object.
type heard struct {
	lock sync.Mutex
	told map[string]int
}

func listen(informer cache.SharedIndexInformer) (*heard, error) {
	heard := &heard{told: map[string]int{}}
	note := func(what string, object any) {
		if tombstone, ok := object.(cache.DeletedFinalStateUnknown); ok {
			object = tombstone.Obj
		}
		heard.lock.Lock()
		defer heard.lock.Unlock()
		heard.told[what+" "+object.(metav1.Object).GetName()]++
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) { note("add", object) },
		UpdateFunc: func(old, new any) {
			if old.(metav1.Object).GetResourceVersion() == new.(metav1.Object).GetResourceVersion() {
				note("resync", new)
			} else {
				note("update", new)
			}
		},
		DeleteFunc: func(object any) { note("delete", object) },
	})
	return heard, err
}

func (h *heard) count(what string) int {
	h.lock.Lock()
	defer h.lock.Unlock()
	return h.told[what]
}

// follows changes a ConfigMap and waits until the informer has told all of it.
func follows(ctx context.Context, g *ground, informer cache.SharedIndexInformer) error {
	if err := many(ctx, g, 3); err != nil {
		return err
	}
	heard, err := listen(informer)
	if err != nil {
		return err
	}
	go informer.RunWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.New("the informer has not synced")
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	if _, err := objects.Patch(ctx, "m-00", types.MergePatchType, []byte(`{"metadata":{"labels":{"new":"1"}}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := objects.Delete(ctx, "m-01", metav1.DeleteOptions{}); err != nil {
		return err
	}
	err = g.eventually(ctx, "the informer told what happened", func() error {
		for what, want := range map[string]int{
			"add m-00": 1, "add m-01": 1, "add m-02": 1, "update m-00": 1, "delete m-01": 1, "update m-02": 0,
		} {
			if err := equal("how often there was "+what, heard.count(what), want); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	_, found, err := informer.GetStore().GetByKey(g.namespace + "/m-01")
	return first(err, equal("whether the store has what was deleted", found, false))
}

func sharedInformer(ctx context.Context, g *ground) error {
	// Shorter than a second it may not be.
	factory := informers.NewSharedInformerFactoryWithOptions(g.clients, time.Second, informers.WithNamespace(g.namespace))
	informer := factory.Core().V1().ConfigMaps()
	if err := follows(ctx, g, informer.Informer()); err != nil {
		return err
	}
	chosen, err := labels.Parse("many")
	if err != nil {
		return err
	}
	listed, err := informer.Lister().ConfigMaps(g.namespace).List(chosen)
	if err != nil {
		return err
	}
	if err := equal("how many the lister has", len(listed), 2); err != nil {
		return err
	}
	resynced, err := listen(informer.Informer())
	if err != nil {
		return err
	}
	return g.eventually(ctx, "a resync", func() error {
		if resynced.count("resync m-00") == 0 {
			return errors.New("there was none")
		}
		return nil
	})
}

func manyInformers(ctx context.Context, g *ground) error {
	factory := informers.NewSharedInformerFactory(g.clients, 0)
	for _, group := range []struct {
		group, version string
		resources      []string
	}{
		{"", "v1", []string{"namespaces", "nodes", "pods", "services", "secrets", "serviceaccounts", "endpoints", "events",
			"persistentvolumes", "persistentvolumeclaims", "resourcequotas", "limitranges", "replicationcontrollers"}},
		{"apps", "v1", []string{"deployments", "replicasets", "statefulsets", "daemonsets", "controllerrevisions"}},
		{"batch", "v1", []string{"jobs", "cronjobs"}},
		{"networking.k8s.io", "v1", []string{"ingresses", "ingressclasses", "networkpolicies"}},
		{"policy", "v1", []string{"poddisruptionbudgets"}},
		{"rbac.authorization.k8s.io", "v1", []string{"roles", "rolebindings", "clusterroles", "clusterrolebindings"}},
		{"coordination.k8s.io", "v1", []string{"leases"}},
		{"events.k8s.io", "v1", []string{"events"}},
		{"admissionregistration.k8s.io", "v1", []string{"validatingwebhookconfigurations", "mutatingwebhookconfigurations"}},
	} {
		for _, resource := range group.resources {
			gvr := schema.GroupVersionResource{Group: group.group, Version: group.version, Resource: resource}
			informer, err := factory.ForResource(gvr)
			if err != nil {
				return err
			}
			informer.Informer()
		}
	}
	factory.StartWithContext(ctx)
	limited, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	for kind, synced := range factory.WaitForCacheSync(limited.Done()) {
		if !synced {
			return fmt.Errorf("the informer of %v has not synced", kind)
		}
	}
	return nil
}

func indexer(ctx context.Context, g *ground) error {
	factory := informers.NewSharedInformerFactoryWithOptions(g.clients, 0, informers.WithNamespace(g.namespace))
	informer := factory.Core().V1().ConfigMaps().Informer()
	err := informer.AddIndexers(cache.Indexers{"third": func(object any) ([]string, error) {
		return []string{object.(*corev1.ConfigMap).Labels["third"]}, nil
	}})
	if err != nil {
		return err
	}
	factory.StartWithContext(ctx)
	factory.WaitForCacheSync(ctx.Done())
	if err := many(ctx, g, 7); err != nil {
		return err
	}
	return g.eventually(ctx, "the index has them", func() error {
		found, err := informer.GetIndexer().ByIndex("third", "0")
		return first(err, equal("how many are found", len(found), 3))
	})
}
