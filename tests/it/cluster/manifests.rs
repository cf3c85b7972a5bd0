//! The manifests of every overlay: valid, within the policies, and in step with the service they start.

use std::path::PathBuf;
use std::process::Output;

use serde_norway::Value;

use super::resources;
use super::tools::{OVERLAYS, checkov, object, objects, own, python, rendered, succeed};
use crate::support::server::binary;
use crate::support::vendors;

fn files() -> impl Iterator<Item = PathBuf> {
    OVERLAYS.into_iter().map(|overlay| rendered().join(overlay).with_extension("yaml"))
}

#[test]
fn every_overlay_is_valid_for_the_three_newest_minors_of_kubernetes() {
    succeed(python("python").arg(own("manifests.py")).arg("kubernetes").args(files()));
}

#[test]
fn every_custom_resource_is_valid_by_its_schema() {
    let resources = resources::all();
    assert!(resources.len() > 5, "{} custom resources", resources.len());
    let judged = resources::run(&resources::program(&resources));
    let said = |judged: &Output| String::from_utf8_lossy(&[&*judged.stdout, &*judged.stderr].concat()).into_owned();
    assert!(judged.status.success(), "{}", said(&judged));
    // The schemas are a second check where they are at hand.
    if let Some(schemas) = vendors::crd_schemas() {
        succeed(python("python").arg(own("manifests.py")).arg("resources").args(files()).env("CRD_SCHEMAS", schemas));
    }
    // A check must refuse nonsense.
    let strange = resources.iter().cloned().map(|mut resource| {
        resource["spec"]["unheardOf"] = "x".into();
        resource
    });
    let refused = said(&resources::run(&resources::program(&strange.collect::<Vec<_>>())));
    assert_eq!(refused.matches("unheardOf").count(), resources.len(), "{refused}");
}

#[test]
fn a_policy_linter_finds_no_fault_in_any_overlay() {
    let said = succeed(checkov().arg("--directory").arg(rendered()).arg("--config-file").arg(own("policy.yaml")));
    assert!(said.contains("Failed checks: 0"), "nothing was judged: {said}");
}

/// Kubernetes' own profile, which the namespaces enforce. The linter is content with a user that is not root; the profile is not.
#[test]
fn every_pod_is_within_the_restricted_profile() {
    const VOLUMES: [&str; 8] = ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"];
    let mut judged = 0;
    for overlay in OVERLAYS {
        for object in objects(overlay) {
            let pod = &object["spec"]["template"]["spec"];
            let Some(containers) = pod["containers"].as_sequence() else { continue };
            let name = format!("{overlay}: {}", object["metadata"]["name"].as_str().unwrap());
            assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{name}");
            assert_ne!(pod["securityContext"]["runAsUser"], 0, "{name}");
            assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{name}");
            for host in ["hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"] {
                assert!(pod[host].is_null(), "{name}: {host}");
            }
            for volume in pod["volumes"].as_sequence().into_iter().flatten() {
                let kinds = volume.as_mapping().unwrap().keys().map(|key| key.as_str().unwrap());
                assert!(kinds.into_iter().all(|kind| kind == "name" || VOLUMES.contains(&kind)), "{name}: {volume:?}");
            }
            for container in containers {
                let own = &container["securityContext"];
                assert_eq!(own["allowPrivilegeEscalation"], false, "{name}");
                assert_eq!(own["readOnlyRootFilesystem"], true, "{name}");
                assert_eq!(own["capabilities"]["drop"][0], "ALL", "{name}");
                let loosened = ["privileged", "runAsNonRoot", "runAsUser", "seccompProfile", "procMount"];
                assert!(loosened.iter().all(|field| own[*field].is_null()) && own["capabilities"]["add"].is_null(), "{name}");
                judged += 1;
            }
        }
    }
    assert!(judged > 8, "the pods were not found");
}

#[test]
fn the_grace_period_is_longer_than_everything_that_happens_in_it() {
    /// The steps after the requests in flight: the end of the store's and of the collector's
    /// connections.
    const LAST_WORDS: u64 = 7;
    for overlay in OVERLAYS {
        let pod = &object(overlay, "Deployment", "issue-core")["spec"]["template"]["spec"];
        let settings = object(overlay, "ConfigMap", "issue-core");
        let seconds = |name: &str| settings["data"][name].as_str().unwrap().strip_suffix('s').unwrap().parse::<u64>().unwrap();
        let sleep = pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"].as_u64().unwrap();
        let drain = seconds("ISSUE_CORE__SERVER__DRAIN_DELAY") + seconds("ISSUE_CORE__SERVER__SHUTDOWN_TIMEOUT");
        assert!(pod["terminationGracePeriodSeconds"].as_u64().unwrap() > sleep + drain + LAST_WORDS, "{overlay}");
    }
}

#[test]
fn every_variable_of_the_settings_is_one_the_service_knows() {
    for overlay in OVERLAYS {
        let settings = object(overlay, "ConfigMap", "issue-core");
        let mut command = binary();
        for (name, value) in settings["data"].as_mapping().unwrap() {
            command.env(name.as_str().unwrap(), value.as_str().unwrap());
        }
        // The files are the cluster's.
        command.env("ISSUE_CORE__AUTH__API_KEY_FILE", "").env("ISSUE_CORE__DATABASE__PASSWORD_FILE", "").env("ISSUE_CORE_API_KEY", "key");
        succeed(command.args(["config", "check"]));
    }
}

#[test]
fn the_schema_is_brought_up_to_date_before_the_pods_start_and_the_job_does_not_stand_in_the_way_of_pruning() {
    let wave = |object: &Value| -> i32 {
        let annotation = &object["metadata"]["annotations"]["argocd.argoproj.io/sync-wave"];
        annotation.as_str().unwrap_or_else(|| panic!("no wave: {}", object["metadata"]["name"].as_str().unwrap())).parse().unwrap()
    };
    for overlay in OVERLAYS {
        let job = object(overlay, "Job", "issue-core-migrate");
        assert!(wave(&object(overlay, "ConfigMap", "issue-core")) < wave(&job));
        assert!(wave(&job) < wave(&object(overlay, "Deployment", "issue-core")));
        assert_eq!(job["metadata"]["annotations"]["argocd.argoproj.io/hook"], "Sync");
        assert_eq!(job["metadata"]["annotations"]["argocd.argoproj.io/hook-delete-policy"], "BeforeHookCreation");
        let image = |object: &Value| object["spec"]["template"]["spec"]["containers"][0]["image"].clone();
        assert_eq!(image(&job), image(&object(overlay, "Deployment", "issue-core")), "one build migrates and serves");
    }
}

#[test]
fn nothing_secret_is_committed_and_every_image_is_pinned() {
    for overlay in OVERLAYS {
        for object in objects(overlay) {
            assert_ne!(object["kind"], "Secret", "{overlay}");
            let Some(containers) = object["spec"]["template"]["spec"]["containers"].as_sequence() else { continue };
            for container in containers {
                let image = container["image"].as_str().unwrap();
                let (name, tag) = image.rsplit_once(':').unwrap_or_else(|| panic!("{overlay}: {image} has no tag"));
                let commit = tag.len() == 40 && tag.bytes().all(|b| b.is_ascii_hexdigit());
                assert!(if name == "issue-core" { commit } else { tag.contains('.') }, "{overlay}: {image} is not pinned");
            }
        }
    }
}

#[test]
fn the_most_replicas_fit_into_the_connections_of_the_database() {
    /// What one process opens: `database.max_connections` by default, and the one that listens.
    const EACH: u64 = 12 + 1;
    /// The connections that Postgres reserves, a migration, and an operator's repair.
    const OTHERS: u64 = 10;
    let most = |overlay| object(overlay, "HorizontalPodAutoscaler", "issue-core")["spec"]["maxReplicas"].as_u64().unwrap();
    let postgres = object("ha", "Cluster", "issue-core-pg");
    let allowed: u64 = postgres["spec"]["postgresql"]["parameters"]["max_connections"].as_str().unwrap().parse().unwrap();
    // One more, as a rollout starts a new pod before it ends an old one.
    assert!((most("ha") + 1) * EACH + OTHERS <= allowed);
    // Postgres's own default without what it reserves, which is all that is known of the shared one.
    assert!((most("railiance") + 1) * EACH + OTHERS <= 97, "docs/scaling.md has the arithmetic");
}
