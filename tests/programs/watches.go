package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// watchChecks are about being told of changes.
var watchChecks = []check{
	{"watch: tells what is, then what happens", watchFromNothing},
	{"watch: goes on from where another ended, without a gap or a repetition", watchResumes},
	{"watch: an object that leaves the selection is deleted to the watcher", watchSelection},
	{"watch: ends with its timeout, after a bookmark", watchEnds},
	{"watch: a streaming list ends with its bookmark", streamingList},
	{"watch: a retrying watcher goes on through ends of streams", retrying},
	{"watch: waiting for a condition", until},
}

// events collects what a watch tells, as `ADDED one`, until there are so many.
func collect(ctx context.Context, watcher watch.Interface, count int) (told []string, err error) {
	defer watcher.Stop()
	for len(told) < count {
		select {
		case event, open := <-watcher.ResultChan():
			if !open {
				return told, fmt.Errorf("the watch ended after %v", told)
			}
			object, isObject := event.Object.(metav1.Object)
			if !isObject {
				return told, fmt.Errorf("the watch told %s %v", event.Type, event.Object)
			}
			told = append(told, string(event.Type)+" "+object.GetName())
		case <-ctx.Done():
			return told, fmt.Errorf("the watch told only %v", told)
		}
	}
	return told, nil
}

func watchFromNothing(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 2); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	watcher, err := objects.Watch(ctx, metav1.ListOptions{LabelSelector: "many"})
	if err != nil {
		return err
	}
	if _, err := objects.Patch(ctx, "m-01", types.MergePatchType, []byte(`{"data":{"a":"b"}}`), metav1.PatchOptions{}); err != nil {
		return err
	}
	if err := objects.Delete(ctx, "m-00", metav1.DeleteOptions{}); err != nil {
		return err
	}
	told, err := collect(ctx, watcher, 4)
	if err != nil {
		return err
	}
	return equal("what was told", fmt.Sprint(told[2:]), "[MODIFIED m-01 DELETED m-00]")
}

func watchResumes(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 3); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	list, err := objects.List(ctx, metav1.ListOptions{LabelSelector: "many"})
	if err != nil {
		return err
	}
	for _, name := range []string{"m-02", "m-00", "m-01"} {
		if err := objects.Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
			return err
		}
	}
	version := list.ResourceVersion
	var told []string
	for range 3 {
		watcher, err := objects.Watch(ctx, metav1.ListOptions{LabelSelector: "many", ResourceVersion: version})
		if err != nil {
			return err
		}
		select {
		case event := <-watcher.ResultChan():
			object, isObject := event.Object.(*corev1.ConfigMap)
			if !isObject {
				return fmt.Errorf("the watch told %s %v", event.Type, event.Object)
			}
			told, version = append(told, string(event.Type)+" "+object.Name), object.ResourceVersion
		case <-ctx.Done():
			return fmt.Errorf("the watch told only %v", told)
		}
		watcher.Stop()
	}
	return equal("what was told", fmt.Sprint(told), "[DELETED m-02 DELETED m-00 DELETED m-01]")
}

func watchSelection(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 2); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	list, err := objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	watcher, err := objects.Watch(ctx, metav1.ListOptions{LabelSelector: "half=0", ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	for _, patch := range []struct{ name, half string }{{"m-00", "1"}, {"m-01", "0"}, {"m-00", "2"}, {"m-00", "0"}} {
		body := fmt.Sprintf(`{"metadata":{"labels":{"half":%q}}}`, patch.half)
		if _, err := objects.Patch(ctx, patch.name, types.MergePatchType, []byte(body), metav1.PatchOptions{}); err != nil {
			return err
		}
	}
	told, err := collect(ctx, watcher, 3)
	if err != nil {
		return err
	}
	return equal("what was told", fmt.Sprint(told), "[DELETED m-00 ADDED m-01 ADDED m-00]")
}

func watchEnds(ctx context.Context, g *ground) error {
	start := time.Now()
	list, err := g.clients.CoreV1().ConfigMaps(g.namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	watcher, err := g.clients.CoreV1().ConfigMaps(g.namespace).Watch(ctx, metav1.ListOptions{
		AllowWatchBookmarks: true, TimeoutSeconds: pointer(int64(6)), ResourceVersion: list.ResourceVersion})
	if err != nil {
		return err
	}
	bookmarks := 0
	for event := range watcher.ResultChan() {
		if event.Type == watch.Bookmark {
			bookmarks++
			if event.Object.(metav1.Object).GetResourceVersion() == "" {
				return errors.New("a bookmark has no resourceVersion")
			}
		}
	}
	if took := time.Since(start); took < 5*time.Second || took > 15*time.Second {
		return fmt.Errorf("it took %v to end", took)
	}
	if bookmarks == 0 {
		return errors.New("there was no bookmark")
	}
	return nil
}

func streamingList(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 3); err != nil {
		return err
	}
	watcher, err := g.clients.CoreV1().ConfigMaps(g.namespace).Watch(ctx, metav1.ListOptions{
		LabelSelector: "many", AllowWatchBookmarks: true, SendInitialEvents: pointer(true),
		ResourceVersionMatch: metav1.ResourceVersionMatchNotOlderThan})
	if err != nil {
		return err
	}
	defer watcher.Stop()
	added := 0
	for event := range watcher.ResultChan() {
		object, isObject := event.Object.(*corev1.ConfigMap)
		if !isObject {
			return fmt.Errorf("the watch told %s %v", event.Type, event.Object)
		}
		switch {
		case event.Type == watch.Added && added < 3:
			added++
		case event.Type == watch.Bookmark && object.Annotations[metav1.InitialEventsAnnotationKey] == "true":
			return equal("how many were added", added, 3)
		default:
			return fmt.Errorf("the watch told %s %s", event.Type, text(object))
		}
	}
	return errors.New("the watch ended")
}

func retrying(ctx context.Context, g *ground) error {
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	list, err := objects.List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	// Each stream lasts a second.
	short := &cache.ListWatch{WatchFunc: func(options metav1.ListOptions) (watch.Interface, error) {
		options.LabelSelector, options.TimeoutSeconds = "many", pointer(int64(1))
		return objects.Watch(ctx, options)
	}}
	watcher, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, short)
	if err != nil {
		return err
	}
	go func() {
		for i := range 5 {
			object := named(&corev1.ConfigMap{}, fmt.Sprint("r-", i))
			object.Labels = map[string]string{"many": ""}
			_, _ = objects.Create(ctx, object, metav1.CreateOptions{})
			time.Sleep(700 * time.Millisecond)
		}
	}()
	told, err := collect(ctx, watcher, 5)
	if err != nil {
		return err
	}
	return equal("what was told", fmt.Sprint(told), "[ADDED r-0 ADDED r-1 ADDED r-2 ADDED r-3 ADDED r-4]")
}

func until(ctx context.Context, g *ground) error {
	if err := many(ctx, g, 1); err != nil {
		return err
	}
	objects := g.clients.CoreV1().ConfigMaps(g.namespace)
	go func() {
		time.Sleep(300 * time.Millisecond)
		_, _ = objects.Patch(ctx, "m-00", types.MergePatchType, []byte(`{"data":{"ready":"yes"}}`), metav1.PatchOptions{})
	}()
	source := cache.NewListWatchFromClient(g.clients.CoreV1().RESTClient(), "configmaps", g.namespace,
		fields.OneTermEqualSelector("metadata.name", "m-00"))
	_, err := watchtools.UntilWithSync(ctx, source, &corev1.ConfigMap{}, nil, func(event watch.Event) (bool, error) {
		return event.Object.(*corev1.ConfigMap).Data["ready"] == "yes", nil
	})
	return err
}
