//! Answers of the shape of real cameras, written by hand, and what is made of them.

use crate::device::{self, Services};
use crate::discovery;
use crate::media::{self, Media, Profile};
use crate::ptz;
use crate::soap::{AnswerError, FaultKind, read_answer};
use crate::xml::Element;
use url::Url;

/// An envelope of SOAP 1.2 without any namespace that means something: only local names count.
fn envelope(body: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><SOAP-ENV:Envelope><SOAP-ENV:Body>{body}</SOAP-ENV:Body></SOAP-ENV:Envelope>"
    )
}

fn read(body: &str, expected: &str) -> Element {
    read_answer(envelope(body).as_bytes(), expected).expect("an answer")
}

fn url(text: &str) -> Url {
    Url::parse(text).expect("a URL")
}

fn described(profiles: &[Profile]) -> Vec<String> {
    profiles.iter().map(|profile| format!("{} ({}): {profile}", profile.token, profile.name)).collect()
}

#[test]
fn hikvision_profiles_have_their_picture_and_sound() {
    let answer = read(
        r#"<trt:GetProfilesResponse xmlns:trt="http://www.onvif.org/ver10/media/wsdl">
<trt:Profiles token="Profile_1" fixed="true"><tt:Name>mainStream</tt:Name>
<tt:VideoSourceConfiguration token="VideoSourceToken"><tt:SourceToken>VideoSource_1</tt:SourceToken></tt:VideoSourceConfiguration>
<tt:VideoEncoderConfiguration token="VideoEncoderToken_1" encoding="H264"><tt:Encoding>H264</tt:Encoding>
<tt:Resolution><tt:Width>2560</tt:Width><tt:Height>1440</tt:Height></tt:Resolution>
<tt:RateControl><tt:FrameRateLimit>25</tt:FrameRateLimit></tt:RateControl></tt:VideoEncoderConfiguration>
<tt:AudioEncoderConfiguration token="MainAudioEncoderToken"><tt:Encoding>G711</tt:Encoding></tt:AudioEncoderConfiguration>
<tt:PTZConfiguration token="PTZToken"/></trt:Profiles>
<trt:Profiles token="Profile_2" fixed="true"><tt:Name>subStream</tt:Name></trt:Profiles>
<trt:Profiles fixed="true"><tt:Name>without a token</tt:Name></trt:Profiles>
</trt:GetProfilesResponse>"#,
        "GetProfilesResponse",
    );
    let profiles = media::profiles(&answer, Media::One);
    assert_eq!(
        described(&profiles),
        ["Profile_1 (mainStream): 2560x1440 H264 25 fps, G711", "Profile_2 (subStream): "]
    );
    assert!(profiles[0].has_ptz && !profiles[1].has_ptz);
}

#[test]
fn media2_tells_h265_where_the_first_service_has_no_word_for_it() {
    let one = read(
        r#"<GetProfilesResponse><Profiles token="000"><Name>main</Name><VideoEncoderConfiguration><Encoding>H264</Encoding>
<Resolution><Width>0</Width><Height>0</Height></Resolution></VideoEncoderConfiguration></Profiles></GetProfilesResponse>"#,
        "GetProfilesResponse",
    );
    let two = read(
        r#"<tr2:GetProfilesResponse><tr2:Profiles token="004" fixed="true"><tr2:Name>third</tr2:Name></tr2:Profiles>
<tr2:Profiles token="000" fixed="true"><tr2:Name>main</tr2:Name><tr2:Configurations><tr2:VideoEncoder token="v">
<tt:Encoding>video/H265</tt:Encoding><tt:Resolution><tt:Width>3840</tt:Width><tt:Height>2160</tt:Height></tt:Resolution>
<tt:RateControl><tt:FrameRateLimit>12.5</tt:FrameRateLimit></tt:RateControl></tr2:VideoEncoder>
<tr2:AudioEncoder token="a"><tt:Encoding>MP4A-LATM</tt:Encoding></tr2:AudioEncoder></tr2:Configurations></tr2:Profiles></tr2:GetProfilesResponse>"#,
        "GetProfilesResponse",
    );
    let profiles = media::merge(media::profiles(&one, Media::One), media::profiles(&two, Media::Two));
    assert_eq!(described(&profiles), ["000 (main): 3840x2160 H265 12.5 fps, MP4A-LATM", "004 (third): "]);
    assert_eq!((profiles[0].media, profiles[1].media), (Media::One, Media::Two));
}

#[test]
fn dahua_uris_have_ampersands_escaped_or_not() {
    for uri in
        ["rtsp://c/cam/realmonitor?channel=1&amp;subtype=0", "rtsp://c/cam/realmonitor?channel=1&subtype=0"]
    {
        let body = format!(
            "<trt:GetStreamUriResponse><trt:MediaUri><tt:Uri>\n {uri} </tt:Uri></trt:MediaUri></trt:GetStreamUriResponse>"
        );
        let answer = read(&body, "GetStreamUriResponse");
        assert_eq!(media::uri(&answer), Some("rtsp://c/cam/realmonitor?channel=1&subtype=0"));
    }
    assert_eq!(
        media::uri(&read("<GetStreamUriResponse><Uri/></GetStreamUriResponse>", "GetStreamUriResponse")),
        None
    );
}

#[test]
fn services_are_beside_the_address_that_we_know() {
    let known = url("http://nat.example:8080/onvif/device_service");
    // A Tapo behind a NAT.
    let answer = read(
        "<tds:GetServicesResponse><tds:Service><tds:Namespace>http://www.onvif.org/ver10/device/wsdl</tds:Namespace>\
         <tds:XAddr>http://192.168.0.7:2020/onvif/device_service</tds:XAddr></tds:Service>\
         <tds:Service><tds:Namespace>http://www.onvif.org/ver10/media/wsdl/</tds:Namespace>\
         <tds:XAddr>http://192.168.0.7:2020/onvif/service?x=1</tds:XAddr></tds:Service>\
         <tds:Service><tds:Namespace>http://www.onvif.org/ver20/ptz/wsdl</tds:Namespace><tds:XAddr/></tds:Service>\
         </tds:GetServicesResponse>",
        "GetServicesResponse",
    );
    let services = Services::of_services(&answer);
    assert_eq!(services.media(&known), Some(url("http://nat.example:8080/onvif/service?x=1")));
    assert_eq!((services.media2(&known), services.ptz(&known)), (None, None));
    for (host, expected) in [
        ("192.168.0.7", true),
        ("0.0.0.0", true),
        ("127.0.0.1", true),
        ("[::1]", true),
        ("localhost", true),
        ("192.168.0.8", false),
        ("nat.example", false),
    ] {
        assert_eq!(services.is_own_host(host), expected, "{host}");
    }
}

#[test]
fn old_devices_have_capabilities_only_and_some_tell_nothing() {
    let known = url("http://192.168.1.9/onvif/device_service");
    let answer = read(
        "<tds:GetCapabilitiesResponse><tds:Capabilities><tt:Media><tt:XAddr>http://192.168.1.9/onvif/Media</tt:XAddr></tt:Media>\
         <tt:PTZ><tt:XAddr>/onvif/PTZ</tt:XAddr></tt:PTZ></tds:Capabilities></tds:GetCapabilitiesResponse>",
        "GetCapabilitiesResponse",
    );
    let services = Services::of_capabilities(&answer);
    assert_eq!(services.media(&known), Some(url("http://192.168.1.9/onvif/Media")));
    assert_eq!(services.ptz(&known), Some(url("http://192.168.1.9/onvif/PTZ")));
    assert_eq!(Services::default().media(&known), Some(url("http://192.168.1.9/onvif/media_service")));
}

#[test]
fn clocks_are_read_and_wrong_ones_are_none() {
    let clock = |date: &str| {
        let body = format!(
            "<tds:GetSystemDateAndTimeResponse><tds:SystemDateAndTime><tt:DateTimeType>Manual</tt:DateTimeType>{date}\
             </tds:SystemDateAndTime></tds:GetSystemDateAndTimeResponse>"
        );
        let answer = read(&body, "GetSystemDateAndTimeResponse");
        device::system_date_and_time(&answer).map(|time| time.to_string())
    };
    let utc = |hour: u32, year: u32| {
        format!(
            "<tt:UTCDateTime><tt:Time><tt:Hour>{hour}</tt:Hour><tt:Minute>3</tt:Minute><tt:Second>9</tt:Second></tt:Time>\
             <tt:Date><tt:Year>{year}</tt:Year><tt:Month>1</tt:Month><tt:Day>2</tt:Day></tt:Date></tt:UTCDateTime>"
        )
    };
    assert_eq!(clock(&utc(23, 1970)), Some("1970-01-02T23:03:09Z".to_owned()));
    assert_eq!((clock(&utc(24, 2026)), clock(&utc(1, 99_999)), clock("")), (None, None, None));
}

#[test]
fn faults_say_what_can_be_done() {
    let check = |fault: &str, kind: FaultKind, text: &str| {
        let error = read_answer(envelope(fault).as_bytes(), "X").expect_err("a fault");
        let AnswerError::Fault(fault) = error else { panic!("{error}") };
        assert_eq!((fault.kind, fault.to_string()), (kind, text.to_owned()));
    };
    // Hikvision, with 400.
    check(
        "<env:Fault><env:Code><env:Value>env:Sender</env:Value><env:Subcode><env:Value>ter:NotAuthorized</env:Value></env:Subcode></env:Code>\
         <env:Reason><env:Text xml:lang=\"en\">The action requested requires authorization and the sender is not authorized</env:Text></env:Reason></env:Fault>",
        FaultKind::NotAuthorized,
        "The action requested requires authorization and the sender is not authorized",
    );
    // gSOAP of the WS-Security plug-in, SOAP 1.1.
    check(
        "<SOAP-ENV:Fault><faultcode>wsse:FailedAuthentication</faultcode><faultstring>The security token could not be authenticated</faultstring></SOAP-ENV:Fault>",
        FaultKind::NotAuthorized,
        "The security token could not be authenticated",
    );
    // Dahua.
    check(
        "<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:InvalidArgVal</s:Value><s:Subcode><s:Value>ter:NoProfile</s:Value></s:Subcode></s:Subcode></s:Code>\
         <s:Reason><s:Text>No\nProfile</s:Text></s:Reason></s:Fault>",
        FaultKind::NotFound,
        "No Profile",
    );
    // Reolink, to GetServices in old firmware; then one that has words only, and one that has nothing.
    check(
        "<SOAP-ENV:Fault><SOAP-ENV:Code><SOAP-ENV:Value>SOAP-ENV:Receiver</SOAP-ENV:Value><SOAP-ENV:Subcode><SOAP-ENV:Value>ter:ActionNotSupported</SOAP-ENV:Value></SOAP-ENV:Subcode></SOAP-ENV:Code></SOAP-ENV:Fault>",
        FaultKind::Unsupported,
        "ActionNotSupported",
    );
    check(
        "<Fault><Code><Value>Sender</Value></Code><Reason><Text>Method 'tptz:Stop' not implemented</Text></Reason></Fault>",
        FaultKind::Unsupported,
        "Method 'tptz:Stop' not implemented",
    );
    check("<Fault/>", FaultKind::Other, "");
}

#[test]
fn what_is_no_answer_is_told() {
    let check = |text: &str, expected: &str| {
        assert_eq!(
            read_answer(text.as_bytes(), "GetProfilesResponse").expect_err(text).to_string(),
            expected
        );
    };
    check("<html><body>Please log in</body></html>", "answers with <html>, which is no SOAP");
    check("404 Not Found", "answers what is no XML; it begins with \"404 Not Found\"");
    check(
        &envelope("<GetServicesResponse/>"),
        "answers GetServicesResponse where GetProfilesResponse was expected",
    );
    check("<!DOCTYPE html><html></html>", "answers what has a document type, which SOAP forbids");
}

#[test]
fn presets_are_read() {
    let answer = read(
        r#"<tptz:GetPresetsResponse><tptz:Preset token="1"><tt:Name>door &amp; gate</tt:Name></tptz:Preset><tptz:Preset token="2"/><tptz:Preset/></tptz:GetPresetsResponse>"#,
        "GetPresetsResponse",
    );
    let presets = ptz::presets(&answer);
    let told: Vec<_> = presets.iter().map(|preset| (preset.token.as_str(), preset.name.as_str())).collect();
    assert_eq!(told, [("1", "door & gate"), ("2", "")]);
}

#[test]
fn moves_touch_only_the_axes_that_have_a_speed() {
    let envelope = |velocity| {
        ptz::continuous_move("a&b", velocity, std::time::Duration::from_millis(1500)).envelope(None)
    };
    let pan = envelope(ptz::Velocity { pan: Some(-0.5), ..ptz::Velocity::default() });
    assert!(pan.contains("<tptz:ProfileToken>a&amp;b</tptz:ProfileToken><tptz:Velocity><tt:PanTilt x=\"-0.5\" y=\"0\"/></tptz:Velocity><tptz:Timeout>PT2S<"), "{pan}");
    let zoom = envelope(ptz::Velocity { zoom: Some(1.0), ..ptz::Velocity::default() });
    assert!(zoom.contains("<tptz:Velocity><tt:Zoom x=\"1\"/></tptz:Velocity>"), "{zoom}");
}

fn probe_match(scopes: &str, addresses: &str) -> String {
    envelope(&format!(
        "<d:ProbeMatches><d:ProbeMatch><a:EndpointReference><a:Address>urn:uuid:1</a:Address></a:EndpointReference>\
         <d:Types>tds:Device</d:Types><d:Scopes>{scopes}</d:Scopes><d:XAddrs>{addresses}</d:XAddrs></d:ProbeMatch></d:ProbeMatches>"
    ))
}

#[test]
fn devices_are_found_by_the_address_that_answers() {
    let check = |addresses: &str, expected: Option<&str>| {
        let text = probe_match(
            "onvif://www.onvif.org/type/ptz onvif://www.onvif.org/name/My%20Cam onvif://www.onvif.org/hardware/IPC-X",
            addresses,
        );
        let devices = discovery::devices(text.as_bytes(), "192.168.1.7".parse().expect("an address"));
        assert_eq!(devices.first().map(|device| device.url.as_str()), expected, "{addresses}");
        for device in devices {
            assert_eq!((device.name.as_str(), device.hardware.as_str()), ("My Cam", "IPC-X"));
        }
    };
    check(
        "http://[fe80::1]/onvif/device_service http://10.0.0.1/onvif/device_service http://192.168.1.7:8000/onvif/device_service",
        Some("http://192.168.1.7:8000/onvif/device_service"),
    );
    check("http://[fd00::1]/x http://10.0.0.1/x", Some("http://10.0.0.1/x"));
    check("http://0.0.0.0:8080/onvif/device_service", Some("http://192.168.1.7:8080/onvif/device_service"));
    check("https://192.168.1.7/onvif/device_service nonsense", None);
}

#[test]
fn printers_and_noise_are_no_devices() {
    let sender = "192.168.1.7".parse().expect("an address");
    assert_eq!(
        discovery::devices(probe_match("ldap:///printers", "http://192.168.1.7/").as_bytes(), sender),
        []
    );
    assert_eq!(discovery::devices(b"\x00\xff", sender), []);
    assert_eq!(discovery::devices(discovery::probe("1", discovery::Types::Any).as_bytes(), sender), []);
}
