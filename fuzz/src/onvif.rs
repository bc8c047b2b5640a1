//! ONVIF: answers of cameras, requests of clients, datagrams of WS-Discovery.

use std::net::{IpAddr, Ipv4Addr};
use yeoul_onvif::device::{self, Services};
use yeoul_onvif::media::{self, Media};
use yeoul_onvif::server::{Answer, Device, Request, Stream};
use yeoul_onvif::soap::read_answer;
use yeoul_onvif::xml::Element;
use yeoul_onvif::{discovery, ptz};

/// All that reads XML, over the same bytes. What we answer to a request is XML again.
///
/// # Panics
/// If it is not.
pub fn onvif_xml(data: &[u8]) {
    let sender = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for found in discovery::devices(data, sender) {
        assert_eq!(found.url.scheme(), "http");
    }
    if let Ok(root) = Element::parse(data) {
        let answers = root.find("Body").map(Element::children).unwrap_or_default();
        for answer in answers {
            let _ = read_answer(data, answer.name());
            read(answer);
        }
    }
    let Ok(request) = Request::parse(data) else { return };
    let stream = Stream { name: request.operation.clone(), size: None };
    let device = Device {
        authority: &request.operation,
        base_path: "",
        rtsp_port: Some(8554),
        version: "1",
        now: jiff::Timestamp::UNIX_EPOCH,
        streams: &[stream],
    };
    let (Answer::Success(text) | Answer::Fault(text)) = device.answer(&request);
    assert!(Element::parse(text.as_bytes()).is_ok(), "{text}");
}

fn read(answer: &Element) {
    let base = "http://192.0.2.1/onvif/device_service".parse().expect("a URL");
    for services in [Services::of_services(answer), Services::of_capabilities(answer)] {
        let _ =
            (services.media(&base), services.media2(&base), services.ptz(&base), services.is_own_host("a"));
    }
    let _ = (device::system_date_and_time(answer), device::device_name(answer));
    let (one, two) = (media::profiles(answer, Media::One), media::profiles(answer, Media::Two));
    for profile in media::merge(one, two) {
        let _ = (profile.to_string(), media::get_stream_uri(profile.media, &profile.token).envelope(None));
    }
    let _ = (media::uri(answer), ptz::presets(answer));
}

/// Requests and our own answers to them, a probe and the answer of a camera to it.
#[must_use]
pub fn onvif_xml_seeds() -> Vec<Vec<u8>> {
    let requests = [
        device::get_services(),
        device::get_capabilities(),
        device::get_system_date_and_time(),
        device::get_device_information(),
        media::get_profiles(Media::One),
        media::get_stream_uri(Media::One, "cam"),
        ptz::get_presets("cam"),
    ];
    let device = Device {
        authority: "192.0.2.1:1984",
        base_path: "",
        rtsp_port: Some(8554),
        version: "1",
        now: jiff::Timestamp::UNIX_EPOCH,
        streams: &[Stream { name: "cam".to_owned(), size: Some((640, 360)) }],
    };
    let mut seeds: Vec<String> = requests.iter().map(|request| request.envelope(None)).collect();
    let answers = seeds.iter().filter_map(|seed| Request::parse(seed.as_bytes()).ok());
    let answers = answers.map(|request| match device.answer(&request) {
        Answer::Success(text) | Answer::Fault(text) => text,
    });
    let answers: Vec<String> = answers.collect();
    seeds.extend(answers);
    seeds.push(discovery::probe("1", discovery::Types::NetworkVideoTransmitter));
    for body in [
        "<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference><d:Types>dn:NetworkVideoTransmitter</d:Types>\
         <d:Scopes>onvif://www.onvif.org/name/A%20B onvif://www.onvif.org/hardware/C</d:Scopes><d:XAddrs>http://0.0.0.0:80/onvif/device_service http://[fe80::1]/</d:XAddrs></d:ProbeMatch></d:ProbeMatches>",
        "<tr2:GetProfilesResponse><tr2:Profiles token=\"a\"><tr2:Name>b</tr2:Name><tr2:Configurations><tr2:VideoEncoder><tt:Encoding>H265</tt:Encoding>\
         <tt:Resolution><tt:Width>1</tt:Width><tt:Height>2</tt:Height></tt:Resolution></tr2:VideoEncoder></tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>",
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>",
        "<tptz:GetPresetsResponse><tptz:Preset token=\"1\"><tt:Name>a&#65;&amp;<![CDATA[b]]></tt:Name></tptz:Preset></tptz:GetPresetsResponse>",
    ] {
        seeds.push(format!("<s:Envelope><s:Body>{body}</s:Body></s:Envelope>"));
    }
    seeds.into_iter().map(String::into_bytes).collect()
}
