//! The client against an in-process HTTP server: what is on the wire.

use std::time::Duration;

use flowkit_client::api::flow_runs::Orchestrate;
use flowkit_client::model::{FlowCreate, FlowRunInputCreate, OrchestrationStatus, StateCreate, StateType};
use flowkit_client::{Attribution, Auth, Client, Config, Error, ErrorKind, RetryPolicy, Trust};
use serde_json::json;
use uuid::Uuid;
use wiremock::matchers::{body_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

const FLOW: &str = r#"{"id":"c7860687-b208-4f16-b273-658089e4a755","name":"etl","brand_new_key":1}"#;

fn config(server: &MockServer) -> Result<Config, Error> {
    Ok(Config::new(&format!("{}/api/", server.uri()))?.check_version(false).csrf(false))
}

fn flow() -> ResponseTemplate {
    ResponseTemplate::new(201).set_body_raw(FLOW, "application/json")
}

#[tokio::test]
async fn every_request_says_who_we_are() -> Result<(), Error> {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .and(path("/api/flows/"))
        .and(header("user-agent", "prefect/3.8.8 (API 0.8.4)"))
        .and(header("x-prefect-api-version", "0.8.4"))
        .and(header("authorization", "Basic YWRtaW46cGFzcw=="))
        .and(header("x-team", "data"))
        .and(header("x-prefect-flow-name", "etl"))
        .and(body_json(json!({ "name": "etl", "tags": [], "labels": {} })))
        .respond_with(flow())
        .expect(1)
        .mount(&server)
        .await;
    let config = config(&server)?.auth(Auth::Basic("admin:pass".into())).header("X-Team", "data")?;
    let attribution = Attribution { flow_name: Some("etl".into()), ..Attribution::default() };
    let client = Client::new(config)?.with_attribution(&attribution);
    assert_eq!(client.create_flow(&FlowCreate::new("etl")).await?.name, "etl");
    Ok(())
}

#[tokio::test]
async fn a_redirect_keeps_method_and_body() -> Result<(), Error> {
    let server = MockServer::start().await;
    let elsewhere = format!("{}/api/v2/flows/", server.uri());
    Mock::given(method("POST"))
        .and(path("/api/flows/"))
        .respond_with(ResponseTemplate::new(307).insert_header("location", elsewhere.as_str()))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .and(path("/api/v2/flows/"))
        .and(body_json(json!({ "name": "etl", "tags": [], "labels": {} })))
        .respond_with(flow())
        .expect(1)
        .mount(&server)
        .await;
    Client::new(config(&server)?)?.create_flow(&FlowCreate::new("etl")).await?;
    Ok(())
}

#[tokio::test]
async fn https_where_there_is_only_http_says_so_once() -> Result<(), Error> {
    let server = MockServer::start().await;
    let url = server.uri().replace("http://", "https://");
    let config = Config::new(&format!("{url}/api"))?.trust(Trust::Anything).retry(RetryPolicy::none());
    let error = Client::new(config)?.create_flow(&FlowCreate::new("etl")).await.expect_err("there is no TLS");
    let text = error.to_string();
    assert!(text.contains("it does not answer with TLS: is it http:// and not https://?"), "{text}");
    assert!(std::error::Error::source(&error).is_none(), "the cause is told: {text}");
    Ok(())
}

#[tokio::test]
async fn a_busy_server_is_asked_again() -> Result<(), Error> {
    let server = MockServer::start().await;
    Mock::given(path("/api/flows/"))
        .respond_with(ResponseTemplate::new(503).insert_header("retry-after", "0"))
        .up_to_n_times(2)
        .mount(&server)
        .await;
    Mock::given(path("/api/flows/")).respond_with(flow()).expect(1).mount(&server).await;
    Client::new(config(&server)?)?.create_flow(&FlowCreate::new("etl")).await?;
    Ok(())
}

#[tokio::test]
async fn set_state_is_judged_by_its_status() -> Result<(), Error> {
    let server = MockServer::start().await;
    let id = Uuid::new_v4();
    let answer = json!({ "state": null, "status": "WAIT", "details": { "type": "wait_details", "delay_seconds": 3 } });
    Mock::given(method("POST"))
        .and(path(format!("/api/flow_runs/{id}/set_state")))
        .and(body_json(
            json!({ "state": { "type": "RUNNING", "name": "Retrying", "state_details": {} }, "force": false }),
        ))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(&server)
        .await;
    let state = StateCreate::new(StateType::Running).name("Retrying");
    let answer = Client::new(config(&server)?)?.set_flow_run_state(id, &state, Orchestrate::Rules).await?;
    assert_eq!((answer.status, answer.delay()), (OrchestrationStatus::Wait, Some(Duration::from_secs(3))));
    Ok(())
}

#[tokio::test]
async fn a_missing_object_is_none_or_an_error() -> Result<(), Error> {
    let server = MockServer::start().await;
    let client = Client::new(config(&server)?)?;
    assert!(client.read_task_run(Uuid::nil()).await?.is_none());
    assert!(client.read_flow_run(Uuid::nil()).await.is_err_and(|error| error.is_not_found()));
    Ok(())
}

#[tokio::test]
async fn a_401_and_a_423_carry_what_is_needed_to_act() -> Result<(), Error> {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(401).set_body_json(json!({ "exception_message": "Unauthorized" })))
        .mount(&server)
        .await;
    Mock::given(method("POST"))
        .respond_with(ResponseTemplate::new(423).insert_header("retry-after", "1.5"))
        .mount(&server)
        .await;
    let client = Client::new(config(&server)?.auth(Auth::ApiKey("s3cret".into())))?;
    let error = client.read_flow(Uuid::nil()).await.expect_err("no access");
    assert_eq!((error.kind(), error.status()), (ErrorKind::Unauthorized, Some(401)));
    assert!(error.to_string().contains("PREFECT_API_KEY") && !format!("{error:?}").contains("s3cret"), "{error}");
    let error = client.create_flow(&FlowCreate::new("etl")).await.expect_err("full");
    assert_eq!((error.is_locked(), error.retry_after()), (true, Some(Duration::from_millis(1500))));
    Ok(())
}

#[tokio::test]
async fn nobody_listening_and_nobody_answering_are_different_errors() -> Result<(), Error> {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = silent.local_addr().expect("bound");
    let url = format!("http://{address}/api");
    let config = Config::new(&url)?.retry(RetryPolicy::none()).timeout(Duration::from_millis(50));
    let error = Client::new(config.clone())?.server_version().await.expect_err("silent");
    assert!(error.is_timeout() && error.to_string().contains(&url), "{error}");
    drop(silent);
    let error = Client::new(config)?.server_version().await.expect_err("closed");
    assert!(error.is_connect() && error.to_string().contains(&url), "{error}");
    Ok(())
}

#[tokio::test]
async fn an_input_of_a_flow_run_is_written_as_json_in_a_string() -> Result<(), Error> {
    let (server, run) = (MockServer::start().await, Uuid::from_u128(7));
    let at = format!("/api/flow_runs/{run}/input");
    let body = json!({ "key": "kp-1", "value": "{\"value\":3}", "sender": "prefect.flow-run.x" });
    Mock::given(method("POST"))
        .and(path(&at))
        .and(body_json(body))
        .respond_with(ResponseTemplate::new(201))
        .mount(&server)
        .await;
    let answer = ResponseTemplate::new(200).set_body_raw(r#"{"value":3}"#, "text/plain");
    Mock::given(method("GET")).and(path(format!("{at}/kp-1"))).respond_with(answer).mount(&server).await;
    let client = Client::new(config(&server)?)?;
    let value = json!({ "value": 3 });
    client.create_flow_run_input(run, &FlowRunInputCreate::new("kp-1", &value).sender("prefect.flow-run.x")).await?;
    assert_eq!(client.read_flow_run_input(run, "kp-1").await?, Some(value));
    assert_eq!(client.read_flow_run_input(run, "kp-2").await?, None);
    Ok(())
}
