//! A connection to one API server, under our own identity or another's.

use std::path::PathBuf;
use std::sync::Arc;

use http::{Request, Response};
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use tower::{BoxError, Layer as _, Service, ServiceExt as _};

use crate::impersonation::act_as;
use crate::retry_after::obeying;
use crate::window::IN_FLIGHT_DEFAULT;
use crate::{Error, Mapping, ServiceAccount, Window};

/// How to reach the API server.
#[derive(Clone, Debug)]
pub struct ConnectOptions {
    /// A kubeconfig file; without one, `KUBECONFIG`, then `~/.kube/config`, then the pod we run in.
    pub kubeconfig: Option<PathBuf>,
    /// A context of the kubeconfig; without one, its current context.
    pub context: Option<String>,
    /// How many requests may be under way at once; watches do not count.
    pub in_flight: usize,
}

impl Default for ConnectOptions {
    fn default() -> Self {
        Self { kubeconfig: None, context: None, in_flight: IN_FLIGHT_DEFAULT }
    }
}

/// A connection to one API server; one per process and API server. Clones share everything.
#[derive(Clone)]
pub struct Cluster {
    client: kube::Client,
    mapping: Arc<Mapping>,
}

impl Cluster {
    /// Reads the configuration and makes a client; sends nothing yet.
    ///
    /// The kubeconfig is the operator's own: a program that it names for credentials is run.
    pub async fn connect(options: &ConnectOptions) -> Result<Self, Error> {
        let choice = KubeConfigOptions { context: options.context.clone(), ..KubeConfigOptions::default() };
        let mut config = match &options.kubeconfig {
            Some(path) => {
                let kubeconfig = Kubeconfig::read_from(path).map_err(configuration)?;
                kube::Config::from_custom_kubeconfig(kubeconfig, &choice).await.map_err(configuration)?
            }
            None if choice.context.is_some() => kube::Config::from_kubeconfig(&choice).await.map_err(configuration)?,
            None => kube::Config::infer().await.map_err(configuration)?,
        };
        if config.auth_info.impersonate.is_some() || config.auth_info.impersonate_groups.is_some() {
            return Err(Error::Impersonation);
        }
        // Ours frees its place in the window while it waits, and leaves what is no word of the server to the caller.
        config.default_retry = false;
        let client = kube::Client::try_from(config).map_err(configuration)?;
        Ok(Self::with_window(client, &Window::new(options.in_flight)))
    }

    /// A cluster behind a client that exists already. The client must not impersonate anybody itself.
    pub fn from_client(client: kube::Client) -> Self {
        Self::with_window(client, &Window::new(IN_FLIGHT_DEFAULT))
    }

    fn with_window(client: kube::Client, window: &Window) -> Self {
        let namespace = client.default_namespace().to_owned();
        let client = kube::Client::new(obeying(window.layer(service(client))), namespace);
        Self { mapping: Arc::new(Mapping::new(client.clone())), client }
    }

    /// The client under our own identity.
    pub fn client(&self) -> &kube::Client {
        &self.client
    }

    /// A client whose every request acts as `user`, over the same connections and through the same window.
    pub fn impersonating(&self, user: &ServiceAccount) -> kube::Client {
        let header = user.header();
        let impersonating = service(self.client.clone()).map_request(move |request| act_as(&header, request));
        kube::Client::new(impersonating, user.namespace())
    }

    /// Which resource serves a kind.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

/// The service behind a client: what a layer is put over, before a client is made of it again.
pub fn service(
    client: kube::Client,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = BoxError, Future: Send> + Clone + Send + 'static {
    tower::service_fn(move |request| {
        let client = client.clone();
        async move { client.send(request).await.map_err(BoxError::from) }
    })
}

fn configuration(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Configuration(Box::new(error))
}
