//! The device service (ONVIF Core §8): its clock, what services there are, what the device is.

use crate::operation::{Operation, content_type};
use crate::soap::printable;
use crate::xml::Element;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use url::Url;

/// Where the device service is, unless something else is said: ONVIF Core §5.10 demands it.
pub const DEVICE_PATH: &str = "/onvif/device_service";

/// Where go2rtc looks for the media service of a device that does not tell.
const MEDIA_PATH: &str = "/onvif/media_service";

/// Asks for the clock. Answered without a password (ONVIF Core §8.3.5).
#[must_use]
pub fn get_system_date_and_time() -> Operation {
    Operation::new(
        content_type!("http://www.onvif.org/ver10/device/wsdl", "GetSystemDateAndTime"),
        "<tds:GetSystemDateAndTime/>",
    )
}

/// The time by a device's clock, of `GetSystemDateAndTimeResponse`; `None` where it tells none in UTC.
#[must_use]
pub fn system_date_and_time(answer: &Element) -> Option<Timestamp> {
    let utc = answer.find("UTCDateTime")?;
    let date = Date::new(
        utc.number_at(&["Date", "Year"])?,
        utc.number_at(&["Date", "Month"])?,
        utc.number_at(&["Date", "Day"])?,
    );
    let time = jiff::civil::Time::new(
        utc.number_at(&["Time", "Hour"])?,
        utc.number_at(&["Time", "Minute"])?,
        utc.number_at(&["Time", "Second"])?,
        0,
    );
    let time = date.ok()?.to_datetime(time.ok()?);
    Some(time.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

/// Asks which services there are.
#[must_use]
pub fn get_services() -> Operation {
    Operation::new(
        content_type!("http://www.onvif.org/ver10/device/wsdl", "GetServices"),
        "<tds:GetServices><tds:IncludeCapability>false</tds:IncludeCapability></tds:GetServices>",
    )
}

/// The same of devices before ONVIF 2.0.
#[must_use]
pub fn get_capabilities() -> Operation {
    Operation::new(
        content_type!("http://www.onvif.org/ver10/device/wsdl", "GetCapabilities"),
        "<tds:GetCapabilities><tds:Category>All</tds:Category></tds:GetCapabilities>",
    )
}

/// Where the services of a device are, as it tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Services {
    media: Option<String>,
    media2: Option<String>,
    ptz: Option<String>,
    /// Hosts that the device has in the addresses of its services: itself, as it sees itself.
    own_hosts: Vec<String>,
}

impl Services {
    /// Of `GetServicesResponse`.
    #[must_use]
    pub fn of_services(answer: &Element) -> Self {
        let mut services = Self::default();
        for service in answer.children_named("Service") {
            let Some(address) = service.text_at(&["XAddr"]) else { continue };
            services.add_own_host(address);
            let namespace = service.text_at(&["Namespace"]).unwrap_or_default().trim_end_matches('/');
            let place = match namespace {
                "http://www.onvif.org/ver10/media/wsdl" => &mut services.media,
                "http://www.onvif.org/ver20/media/wsdl" => &mut services.media2,
                "http://www.onvif.org/ver20/ptz/wsdl" => &mut services.ptz,
                _ => continue,
            };
            place.get_or_insert_with(|| address.to_owned());
        }
        services
    }

    /// Of `GetCapabilitiesResponse`.
    #[must_use]
    pub fn of_capabilities(answer: &Element) -> Self {
        let address = |name: &str| answer.text_at(&["Capabilities", name, "XAddr"]).map(str::to_owned);
        let mut services = Self { media: address("Media"), ptz: address("PTZ"), ..Self::default() };
        for address in [address("Device"), services.media.clone(), services.ptz.clone()].into_iter().flatten()
        {
            services.add_own_host(&address);
        }
        services
    }

    fn add_own_host(&mut self, address: &str) {
        let host = Url::parse(address).ok().and_then(|url| url.host_str().map(str::to_owned));
        if let Some(host) = host.filter(|host| !self.own_hosts.contains(host)) {
            self.own_hosts.push(host);
        }
    }

    /// The media service, at the address by which we know the device. A device that tells of none has it where most have it.
    #[must_use]
    pub fn media(&self, device: &Url) -> Option<Url> {
        match (&self.media, &self.media2) {
            (Some(address), _) => Some(beside(device, address)),
            (None, Some(_)) => None,
            (None, None) => Some(beside(device, MEDIA_PATH)),
        }
    }

    /// The Media2 service, which knows H.265.
    #[must_use]
    pub fn media2(&self, device: &Url) -> Option<Url> {
        self.media2.as_deref().map(|address| beside(device, address))
    }

    /// The PTZ service.
    #[must_use]
    pub fn ptz(&self, device: &Url) -> Option<Url> {
        self.ptz.as_deref().map(|address| beside(device, address))
    }

    /// Whether the device means itself by this host: it has it in its own addresses, or it is the one of no machine. Behind a NAT, and
    /// in a container, a device knows itself by another address than we do.
    #[must_use]
    pub fn is_own_host(&self, host: &str) -> bool {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_nowhere = host.parse::<std::net::IpAddr>().is_ok_and(|address| {
            let address = address.to_canonical();
            address.is_unspecified() || address.is_loopback()
        });
        is_nowhere
            || host.eq_ignore_ascii_case("localhost")
            || self.own_hosts.iter().any(|own| own.trim_matches(['[', ']']).eq_ignore_ascii_case(host))
    }
}

/// The path of `address` at the host and port by which we know the device.
fn beside(device: &Url, address: &str) -> Url {
    let mut service = device.clone();
    let (path, query) = match Url::parse(address) {
        Ok(url) => (url.path().to_owned(), url.query().map(str::to_owned)),
        Err(_) => (address.to_owned(), None),
    };
    service.set_path(&path);
    service.set_query(query.as_deref());
    service
}

/// Asks what the device is.
#[must_use]
pub fn get_device_information() -> Operation {
    Operation::new(
        content_type!("http://www.onvif.org/ver10/device/wsdl", "GetDeviceInformation"),
        "<tds:GetDeviceInformation/>",
    )
}

/// Manufacturer and model, of `GetDeviceInformationResponse`: `Dahua IPC-HDW5231R`. Empty if it tells neither.
#[must_use]
pub fn device_name(answer: &Element) -> String {
    let parts = [answer.text_at(&["Manufacturer"]), answer.text_at(&["Model"])];
    printable(&parts.into_iter().flatten().collect::<Vec<_>>().join(" "))
}
