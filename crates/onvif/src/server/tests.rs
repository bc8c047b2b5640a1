//! What our device says, read by our own client's half.

use super::*;
use crate::media::{self, Media};
use crate::soap::{AnswerError, FaultKind, read_answer};
use crate::{Operation, device};

fn streams() -> Vec<Stream> {
    vec![
        Stream { name: "front door".to_owned(), size: Some((2560, 1440)) },
        Stream { name: "<script>&\"".to_owned(), size: None },
    ]
}

fn ask(operation: &Operation, expected: &str) -> Result<Element, AnswerError> {
    let streams = streams();
    let device = Device {
        authority: "192.168.1.2:1984",
        base_path: "/base",
        rtsp_port: Some(8554),
        version: "1.0",
        now: "2026-11-26T16:05:09Z".parse().expect("a time"),
        streams: &streams,
    };
    let request = Request::parse(operation.envelope(None).as_bytes()).expect("a request");
    let (Answer::Success(text) | Answer::Fault(text)) = device.answer(&request);
    read_answer(text.as_bytes(), expected)
}

#[test]
fn every_stream_is_a_profile_whatever_its_name() {
    let answer = ask(&media::get_profiles(Media::One), "GetProfilesResponse").expect("profiles");
    let profiles = media::profiles(&answer, Media::One);
    let told: Vec<_> = profiles.iter().map(|profile| (profile.token.as_str(), profile.to_string())).collect();
    assert_eq!(
        told,
        [
            ("front door", "2560x1440 H264 30 fps".to_owned()),
            ("<script>&\"", "1920x1080 H264 30 fps".to_owned())
        ]
    );
}

#[test]
fn streams_and_pictures_have_addresses() {
    let stream =
        ask(&media::get_stream_uri(Media::One, "front door"), "GetStreamUriResponse").expect("a stream");
    assert_eq!(media::uri(&stream), Some("rtsp://192.168.1.2:8554/front%20door"));
    let picture = ask(&media::get_snapshot_uri(Media::One, "<script>&\""), "GetSnapshotUriResponse");
    assert_eq!(
        media::uri(&picture.expect("a picture")),
        Some("http://192.168.1.2:1984/base/api/frame.jpeg?src=%3Cscript%3E%26%22")
    );
}

#[test]
fn the_device_tells_its_services_and_its_clock() {
    let device_url = "http://192.168.1.2:1984/onvif/device_service".parse().expect("a URL");
    let media_url = Some("http://192.168.1.2:1984/onvif/media_service".parse().expect("a URL"));
    let services = device::Services::of_services(
        &ask(&device::get_services(), "GetServicesResponse").expect("services"),
    );
    assert_eq!(services.media(&device_url), media_url);
    let capabilities = ask(&device::get_capabilities(), "GetCapabilitiesResponse").expect("capabilities");
    assert_eq!(device::Services::of_capabilities(&capabilities).media(&device_url), media_url);
    let clock = ask(&device::get_system_date_and_time(), "GetSystemDateAndTimeResponse").expect("a clock");
    assert_eq!(
        device::system_date_and_time(&clock).map(|time| time.to_string()),
        Some("2026-11-26T16:05:09Z".to_owned())
    );
}

#[test]
fn what_is_not_there_and_what_is_not_done_are_faults() {
    let check = |operation: &str, expected: FaultKind| {
        let operation = Operation::new("", format!("<tds:{operation}/>"));
        match ask(&operation, "") {
            Err(AnswerError::Fault(fault)) => assert_eq!(fault.kind, expected, "{fault}"),
            other => panic!("{other:?}"),
        }
    };
    check("GetStreamUri", FaultKind::NotFound);
    check("SystemReboot", FaultKind::Unsupported);
    check("SetScopes", FaultKind::Unsupported);
}
