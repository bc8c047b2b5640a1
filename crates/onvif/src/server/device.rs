//! The device service of ours.

use super::{Device, NoProfile, Request};
use crate::xml::escape;
use jiff::tz::TimeZone;

/// What stands in the element of the response; `None` if this service has no such operation.
pub(super) fn answer(device: &Device<'_>, request: &Request) -> Option<Result<String, NoProfile>> {
    let authority = escape(device.authority);
    let content = match request.operation.as_str() {
        // Home Assistant needs the section Media.
        "GetCapabilities" => format!(
            "<tds:Capabilities><tt:Device><tt:XAddr>http://{authority}/onvif/device_service</tt:XAddr></tt:Device>\
             <tt:Media><tt:XAddr>http://{authority}/onvif/media_service</tt:XAddr><tt:StreamingCapabilities>\
             <tt:RTPMulticast>false</tt:RTPMulticast><tt:RTP_TCP>false</tt:RTP_TCP><tt:RTP_RTSP_TCP>true</tt:RTP_RTSP_TCP>\
             </tt:StreamingCapabilities></tt:Media></tds:Capabilities>"
        ),
        "GetServices" => {
            service(&authority, "device", "device_service") + &service(&authority, "media", "media_service")
        }
        // Home Assistant knows a device by its serial number.
        "GetDeviceInformation" => format!(
            "<tds:Manufacturer>Yeoul</tds:Manufacturer><tds:Model>Yeoul</tds:Model>\
             <tds:FirmwareVersion>{}</tds:FirmwareVersion><tds:SerialNumber>{authority}</tds:SerialNumber>\
             <tds:HardwareId>1.00</tds:HardwareId>",
            escape(device.version)
        ),
        "GetSystemDateAndTime" => date_and_time(device),
        // Home Assistant sets the clock of a camera that is off; ours is right, and stays.
        "SetSystemDateAndTime" | "GetNetworkInterfaces" | "GetNetworkProtocols" => String::new(),
        "GetDiscoveryMode" => "<tds:DiscoveryMode>NonDiscoverable</tds:DiscoveryMode>".to_owned(),
        "GetDNS" => "<tds:DNSInformation/>".to_owned(),
        "GetHostname" => "<tds:HostnameInformation/>".to_owned(),
        "GetNetworkDefaultGateway" => "<tds:NetworkGateway/>".to_owned(),
        "GetNTP" => "<tds:NTPInformation/>".to_owned(),
        "GetScopes" => scopes(),
        _ => return None,
    };
    Some(Ok(content))
}

fn service(authority: &str, namespace: &str, path: &str) -> String {
    format!(
        "<tds:Service><tds:Namespace>http://www.onvif.org/ver10/{namespace}/wsdl</tds:Namespace>\
         <tds:XAddr>http://{authority}/onvif/{path}</tds:XAddr>\
         <tds:Version><tt:Major>2</tt:Major><tt:Minor>5</tt:Minor></tds:Version></tds:Service>"
    )
}

fn scopes() -> String {
    ["name/Yeoul", "Profile/Streaming", "type/Network_Video_Transmitter"]
        .map(|scope| {
            format!(
                "<tds:Scopes><tt:ScopeDef>Fixed</tt:ScopeDef>\
                 <tt:ScopeItem>onvif://www.onvif.org/{scope}</tt:ScopeItem></tds:Scopes>"
            )
        })
        .concat()
}

/// In UTC, in both fields: a client needs nothing but that.
fn date_and_time(device: &Device<'_>) -> String {
    let now = device.now.to_zoned(TimeZone::UTC);
    let (date, time) = (now.date(), now.time());
    let fields = format!(
        "<tt:Time><tt:Hour>{}</tt:Hour><tt:Minute>{}</tt:Minute><tt:Second>{}</tt:Second></tt:Time>\
         <tt:Date><tt:Year>{}</tt:Year><tt:Month>{}</tt:Month><tt:Day>{}</tt:Day></tt:Date>",
        time.hour(),
        time.minute(),
        time.second(),
        date.year(),
        date.month(),
        date.day()
    );
    format!(
        "<tds:SystemDateAndTime><tt:DateTimeType>NTP</tt:DateTimeType>\
         <tt:DaylightSavings>false</tt:DaylightSavings><tt:TimeZone><tt:TZ>GMT+00:00</tt:TZ></tt:TimeZone>\
         <tt:UTCDateTime>{fields}</tt:UTCDateTime><tt:LocalDateTime>{fields}</tt:LocalDateTime>\
         </tds:SystemDateAndTime>"
    )
}
