package main

import (
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// The samples use many field types, so that a field that is lost on the way is noticed.

var (
	sampleLabels   = map[string]string{"app": "sample"}
	sampleSelector = &metav1.LabelSelector{
		MatchLabels:      sampleLabels,
		MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "app", Operator: metav1.LabelSelectorOpExists}},
	}
)

func configMap() *corev1.ConfigMap {
	return &corev1.ConfigMap{
		Data:       map[string]string{"text": "ü\n", "empty": ""},
		BinaryData: map[string][]byte{"bytes": {0, 0xff, 0x80}},
	}
}

func secret() *corev1.Secret {
	return &corev1.Secret{
		Type:      corev1.SecretTypeOpaque,
		Data:      map[string][]byte{"password": []byte("s3cr3t\x00")},
		Immutable: pointer(false),
	}
}

func service() *corev1.Service {
	return &corev1.Service{Spec: corev1.ServiceSpec{
		Selector: sampleLabels,
		Ports: []corev1.ServicePort{
			{Name: "http", Port: 80, TargetPort: intstr.FromString("web")},
			{Name: "dns", Port: 53, TargetPort: intstr.FromInt32(5353), Protocol: corev1.ProtocolUDP},
		},
		SessionAffinity:       corev1.ServiceAffinityClientIP,
		SessionAffinityConfig: &corev1.SessionAffinityConfig{ClientIP: &corev1.ClientIPConfig{TimeoutSeconds: pointer(int32(60))}},
	}}
}

func serviceAccount() *corev1.ServiceAccount {
	return &corev1.ServiceAccount{
		AutomountServiceAccountToken: pointer(false),
		ImagePullSecrets:             []corev1.LocalObjectReference{{Name: "pull"}},
	}
}

func podSpec() corev1.PodSpec {
	quantity := resource.MustParse
	return corev1.PodSpec{
		TerminationGracePeriodSeconds: pointer(int64(0)),
		AutomountServiceAccountToken:  pointer(false),
		SecurityContext:               &corev1.PodSecurityContext{RunAsNonRoot: pointer(true), FSGroup: pointer(int64(1000))},
		Containers: []corev1.Container{{
			Name:    "main",
			Image:   "example.com/image:1",
			Command: []string{"/bin/true"},
			Ports:   []corev1.ContainerPort{{Name: "web", ContainerPort: 8080}},
			Env: []corev1.EnvVar{
				{Name: "PLAIN", Value: "value"},
				{Name: "FIELD", ValueFrom: &corev1.EnvVarSource{
					FieldRef: &corev1.ObjectFieldSelector{APIVersion: "v1", FieldPath: "metadata.name"}}},
			},
			Resources: corev1.ResourceRequirements{
				Requests: corev1.ResourceList{"cpu": quantity("100m"), "memory": quantity("64Mi")},
				Limits:   corev1.ResourceList{"memory": quantity("1Gi")},
			},
			ReadinessProbe: &corev1.Probe{
				ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{
					Path: "/ready", Port: intstr.FromString("web"),
					HTTPHeaders: []corev1.HTTPHeader{{Name: "X-Probe", Value: "1"}}}},
				PeriodSeconds: 3,
			},
			VolumeMounts: []corev1.VolumeMount{{Name: "scratch", MountPath: "/scratch"}},
		}},
		Volumes: []corev1.Volume{
			{Name: "scratch", VolumeSource: corev1.VolumeSource{
				EmptyDir: &corev1.EmptyDirVolumeSource{SizeLimit: pointer(quantity("1Gi"))}}},
			{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
				LocalObjectReference: corev1.LocalObjectReference{Name: "config"}, DefaultMode: pointer(int32(0o400)),
				Optional: pointer(true)}}},
		},
		Affinity: &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{
			PreferredDuringSchedulingIgnoredDuringExecution: []corev1.WeightedPodAffinityTerm{{
				Weight:          10,
				PodAffinityTerm: corev1.PodAffinityTerm{LabelSelector: sampleSelector, TopologyKey: "zone"},
			}},
		}},
		Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
	}
}

func template() corev1.PodTemplateSpec {
	return corev1.PodTemplateSpec{ObjectMeta: metav1.ObjectMeta{Labels: sampleLabels}, Spec: podSpec()}
}

func pod() *corev1.Pod { return &corev1.Pod{Spec: podSpec()} }

func claim() *corev1.PersistentVolumeClaim {
	return &corev1.PersistentVolumeClaim{Spec: corev1.PersistentVolumeClaimSpec{
		AccessModes:      []corev1.PersistentVolumeAccessMode{corev1.ReadWriteOnce},
		Resources:        corev1.VolumeResourceRequirements{Requests: corev1.ResourceList{"storage": resource.MustParse("1.5Gi")}},
		StorageClassName: pointer("none"),
	}}
}

func quota() *corev1.ResourceQuota {
	return &corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{
		"pods": resource.MustParse("7"), "requests.cpu": resource.MustParse("1500m"),
	}}}
}

func limitRange() *corev1.LimitRange {
	return &corev1.LimitRange{Spec: corev1.LimitRangeSpec{Limits: []corev1.LimitRangeItem{{
		Type: corev1.LimitTypeContainer, Default: corev1.ResourceList{"cpu": resource.MustParse("0.5")},
	}}}}
}

func deployment() *appsv1.Deployment {
	return &appsv1.Deployment{Spec: appsv1.DeploymentSpec{
		Replicas: pointer(int32(2)),
		Selector: sampleSelector,
		Template: template(),
		Strategy: appsv1.DeploymentStrategy{RollingUpdate: &appsv1.RollingUpdateDeployment{
			MaxSurge: pointer(intstr.FromString("50%")), MaxUnavailable: pointer(intstr.FromInt32(0))}},
	}}
}

func statefulSet() *appsv1.StatefulSet {
	return &appsv1.StatefulSet{Spec: appsv1.StatefulSetSpec{
		ServiceName: "sample", Selector: sampleSelector, Template: template(),
		PodManagementPolicy: appsv1.ParallelPodManagement,
	}}
}

func daemonSet() *appsv1.DaemonSet {
	return &appsv1.DaemonSet{Spec: appsv1.DaemonSetSpec{Selector: sampleSelector, Template: template()}}
}

func jobSpec() batchv1.JobSpec {
	spec := batchv1.JobSpec{BackoffLimit: pointer(int32(1)), Template: template()}
	spec.Template.Spec.RestartPolicy = corev1.RestartPolicyNever
	return spec
}

func job() *batchv1.Job { return &batchv1.Job{Spec: jobSpec()} }

func cronJob() *batchv1.CronJob {
	return &batchv1.CronJob{Spec: batchv1.CronJobSpec{
		Schedule: "0 3 * * *", TimeZone: pointer("Europe/Berlin"), Suspend: pointer(true),
		JobTemplate: batchv1.JobTemplateSpec{Spec: jobSpec()},
	}}
}

func lease() *coordinationv1.Lease {
	now := metav1.NewMicroTime(time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC))
	return &coordinationv1.Lease{Spec: coordinationv1.LeaseSpec{
		HolderIdentity: pointer("someone"), LeaseDurationSeconds: pointer(int32(15)), RenewTime: &now, AcquireTime: &now,
	}}
}

func event(namespace string) *corev1.Event {
	return &corev1.Event{
		InvolvedObject: corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "any"},
		Reason:         "Happened", Message: "it happened", Type: corev1.EventTypeNormal, Count: 1,
		Source:         corev1.EventSource{Component: "programs"},
		FirstTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0)), LastTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0)),
	}
}

func newEvent(namespace string) *eventsv1.Event {
	return &eventsv1.Event{
		EventTime: metav1.NewMicroTime(time.Unix(1_700_000_000, 123_456_000)), Type: corev1.EventTypeWarning,
		Action: "Looked", Reason: "Happened", Note: "it happened",
		ReportingController: "example.com/programs", ReportingInstance: "one",
		Regarding: corev1.ObjectReference{APIVersion: "v1", Kind: "ConfigMap", Namespace: namespace, Name: "any"},
	}
}

func networkPolicy() *networkingv1.NetworkPolicy {
	return &networkingv1.NetworkPolicy{Spec: networkingv1.NetworkPolicySpec{
		PodSelector: *sampleSelector,
		PolicyTypes: []networkingv1.PolicyType{networkingv1.PolicyTypeIngress},
		Ingress: []networkingv1.NetworkPolicyIngressRule{{
			From:  []networkingv1.NetworkPolicyPeer{{IPBlock: &networkingv1.IPBlock{CIDR: "10.0.0.0/8", Except: []string{"10.1.0.0/16"}}}},
			Ports: []networkingv1.NetworkPolicyPort{{Port: pointer(intstr.FromInt32(80)), EndPort: pointer(int32(90))}},
		}},
	}}
}

func ingress() *networkingv1.Ingress {
	backend := networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
		Name: "sample", Port: networkingv1.ServiceBackendPort{Name: "http"}}}
	return &networkingv1.Ingress{Spec: networkingv1.IngressSpec{
		Rules: []networkingv1.IngressRule{{Host: "example.com", IngressRuleValue: networkingv1.IngressRuleValue{
			HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{{
				Path: "/", PathType: pointer(networkingv1.PathTypePrefix), Backend: backend}}}}}},
		TLS: []networkingv1.IngressTLS{{Hosts: []string{"example.com"}, SecretName: "tls"}},
	}}
}

func budget() *policyv1.PodDisruptionBudget {
	return &policyv1.PodDisruptionBudget{Spec: policyv1.PodDisruptionBudgetSpec{
		MinAvailable: pointer(intstr.FromString("50%")), Selector: sampleSelector,
	}}
}

func rules() []rbacv1.PolicyRule {
	return []rbacv1.PolicyRule{
		{APIGroups: []string{""}, Resources: []string{"configmaps"}, Verbs: []string{"get", "list", "watch"}},
	}
}

func role() *rbacv1.Role { return &rbacv1.Role{Rules: rules()} }

func roleBinding(user string) *rbacv1.RoleBinding {
	return &rbacv1.RoleBinding{
		RoleRef:  rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "Role", Name: "reader"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}
}

func clusterRole() *rbacv1.ClusterRole {
	return &rbacv1.ClusterRole{Rules: append(rules(),
		rbacv1.PolicyRule{NonResourceURLs: []string{"/metrics"}, Verbs: []string{"get"}})}
}

func webhooks() *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{Webhooks: []admissionv1.ValidatingWebhook{{
		Name:                    "sample.example.com",
		ClientConfig:            admissionv1.WebhookClientConfig{URL: pointer("https://127.0.0.1:1/hook"), CABundle: nil},
		SideEffects:             pointer(admissionv1.SideEffectClassNone),
		AdmissionReviewVersions: []string{"v1"},
		FailurePolicy:           pointer(admissionv1.Ignore),
		NamespaceSelector:       sampleSelector,
		Rules: []admissionv1.RuleWithOperations{{
			Operations: []admissionv1.OperationType{admissionv1.Create},
			Rule:       admissionv1.Rule{APIGroups: []string{"none.example.com"}, APIVersions: []string{"v1"}, Resources: []string{"things"}},
		}},
	}}}
}
