//! `deploy/kubernetes/hactl.yaml` as far as it can be checked without a cluster: its parts agree with each other, with the image
//! and with the configurations in it. These are run by the test of all examples.

use yaml_rust2::Yaml;

use super::manifest::{
    CONFIG_FILE, HAPROXY_CONFIG, HAPROXY_USER, Image, directory, in_force, list, load, named, read, text,
};

const FILE: &str = "deploy/kubernetes/hactl.yaml";

/// A file of its ConfigMap.
pub(crate) fn configuration(name: &str) -> String {
    text(&load(FILE)[0]["data"][name]).to_owned()
}

/// What a comment of the manifest offers as HAProxy's readiness, with its price.
pub(crate) const READINESS_OF_HACTL: &str = "/readyz";

/// What the kubelet asks hactl for.
pub(crate) fn liveness() -> String {
    let pod = &load(FILE)[1]["spec"]["template"]["spec"];
    text(&pod["initContainers"][0]["livenessProbe"]["httpGet"]["path"]).to_owned()
}

#[test]
fn the_kubernetes_manifest_agrees_with_itself_and_with_the_image() {
    let documents = load(FILE);
    let [config, deployment] = documents.as_slice() else { panic!("{} documents", documents.len()) };
    assert_eq!((text(&config["kind"]), text(&deployment["kind"])), ("ConfigMap", "Deployment"));
    let (spec, image) = (&deployment["spec"], Image::read());
    assert_eq!(spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]);
    let pod = &spec["template"]["spec"];
    let hactl = named(list(&pod["initContainers"]), "hactl");
    let haproxy = named(list(&pod["containers"]), "haproxy");

    // Whom they run as: hactl as the image has it, in the group that may write to HAProxy's socket.
    assert_eq!(text(&hactl["image"]), concat!("hactl:", env!("CARGO_PKG_VERSION")));
    assert_eq!(hactl["args"][0].as_str().map(|word| format!("[\"{word}\"]")), Some(image.command));
    assert_eq!(text(&hactl["restartPolicy"]), "Always", "a native sidecar");
    let group = &pod["securityContext"];
    assert_eq!(
        (group["runAsGroup"].as_i64(), group["fsGroup"].as_i64()),
        (Some(image.group), Some(image.group))
    );
    assert_eq!(group["runAsNonRoot"].as_bool(), Some(true));
    for (container, user) in [(hactl, image.user), (haproxy, HAPROXY_USER)] {
        let rights = &container["securityContext"];
        assert_eq!(rights["runAsUser"].as_i64(), Some(user));
        assert_eq!(rights["readOnlyRootFilesystem"].as_bool(), Some(true));
        assert_eq!(rights["allowPrivilegeEscalation"].as_bool(), Some(false));
        assert_eq!(text(&rights["capabilities"]["drop"][0]), "ALL");
        for mount in list(&container["volumeMounts"]) {
            named(list(&pod["volumes"]), text(&mount["name"]));
        }
    }
    let compose = &load("deploy/container/compose.yaml")[0];
    assert_eq!(haproxy["image"], compose["services"]["haproxy"]["image"]);

    // The files are where the programs look for them.
    for (container, file) in [(hactl, CONFIG_FILE), (haproxy, HAPROXY_CONFIG)] {
        let (dir, name) = file.rsplit_once('/').expect("a whole path");
        let map = &named(list(&pod["volumes"]), mounted_at(container, dir))["configMap"];
        assert_eq!(map["name"], config["metadata"]["name"]);
        assert_eq!((text(&map["items"][0]["key"]), text(&map["items"][0]["path"])), (name, name));
        assert!(!configuration(name).is_empty());
    }
    let toml = in_force(&configuration("hactl.toml"));
    let socket = &toml["instance"][0]["haproxy"];
    assert!(configuration("haproxy.cfg").contains(socket.as_str().expect("a path")));
    let shared = directory(socket);
    assert_eq!(mounted_at(hactl, &shared), mounted_at(haproxy, &shared));
    mounted_at(hactl, &directory(&toml["admin"]["socket"]));
    mounted_at(hactl, toml["state"]["dir"].as_str().expect("a path"));

    // The ports are those that the configurations listen at.
    let listen = toml["web"]["listen"].as_str().expect("it has a listener");
    let port: i64 = listen.rsplit_once(':').expect("an address with a port").1.parse().expect("a number");
    let own = named(list(&hactl["ports"]), text(&hactl["livenessProbe"]["httpGet"]["port"]));
    assert_eq!(own["containerPort"].as_i64(), Some(port));
    let annotations = &spec["template"]["metadata"]["annotations"];
    assert_eq!(text(&annotations["prometheus.io/port"]), port.to_string());
    let clients = named(list(&haproxy["ports"]), "socks")["containerPort"].as_i64().expect("a number");
    assert!(configuration("haproxy.cfg").contains(&format!("bind :{clients}\n")));

    // Clients are served as long as HAProxy listens, whatever becomes of hactl; and HAProxy's container waits for nothing that
    // hactl could say only once HAProxy answers.
    let ready = text(&haproxy["readinessProbe"]["tcpSocket"]["port"]);
    assert_eq!(named(list(&haproxy["ports"]), ready)["containerPort"].as_i64(), Some(clients));
    assert!(haproxy["livenessProbe"].is_badvalue() && haproxy["startupProbe"].is_badvalue());
    assert!(hactl["readinessProbe"].is_badvalue() && hactl["startupProbe"].is_badvalue());
    assert!(read(FILE).contains(&format!("httpGet: {{path: {READINESS_OF_HACTL}, port: {port}}}")));

    // HAProxy ends by itself, and not by the kubelet.
    let longest = configuration("haproxy.cfg");
    let longest = longest.lines().find_map(|line| line.trim().strip_prefix("hard-stop-after "));
    let minutes = longest.and_then(|longest| longest.strip_suffix('m')).expect("it is said in minutes");
    let minutes: i64 = minutes.parse().expect("a number");
    assert!(pod["terminationGracePeriodSeconds"].as_i64().is_some_and(|seconds| seconds > minutes * 60));
}

/// The volume that a container has there.
fn mounted_at<'a>(container: &'a Yaml, path: &str) -> &'a str {
    let mount =
        list(&container["volumeMounts"]).iter().find(|mount| mount["mountPath"].as_str() == Some(path));
    text(&mount.unwrap_or_else(|| panic!("nothing is mounted at {path}"))["name"])
}
