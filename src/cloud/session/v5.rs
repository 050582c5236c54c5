//! MQTT 5.

use std::future::Future;

use bytes::Bytes;
use futures_util::FutureExt as _;
use rumqttc_v5::mqttbytes::Error as MqttError;
use rumqttc_v5::{
    AckMode, AsyncClient, ConnectReturnCode, ConnectionError, DisconnectReasonCode, Event, EventLoop, LastWill,
    LastWillProperties, MqttOptions, Outgoing, Packet, PubAckReason, PublishNoticeError, PublishOptions,
    PublishProperties, PublishResult, QoS, StateError, SubscribeFilter, TlsConfiguration, TlsError, Transport,
};
use tokio::sync::mpsc;

use super::blank::BlankSession;
use super::{
    Ack, Client, CloudError, ConnectOptions, IN_FLIGHT, Incoming, LARGEST_INCOMING, Memory, Message, Properties,
    PublishError, REQUESTS, SESSION_EXPIRY_SECONDS, Session, Taken, explain_io, explain_tls,
};

pub(super) async fn connect(
    options: &ConnectOptions,
    will: Option<&Message>,
    tls: Option<TlsConfiguration>,
) -> Result<Session, CloudError> {
    let (client, mut events) = AsyncClient::builder(mqtt_options(options, will, tls)).capacity(REQUESTS).build();
    let limit = loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(ack))) => break ack.properties.and_then(|p| p.max_packet_size),
            Ok(_) => {}
            Err(error) => return Err(explain(&error, options)),
        }
    };
    // From here on the library would only spend time on saving what we do not keep.
    events.options.clear_session_store();
    let options = options.clone();
    Ok(Session::start(Client::V5(client), limit, move |sender| drive(events, sender, options).boxed()))
}

fn mqtt_options(options: &ConnectOptions, will: Option<&Message>, tls: Option<TlsConfiguration>) -> MqttOptions {
    let mut mqtt = MqttOptions::new(options.client_id.clone(), (options.host.clone(), options.port));
    let mut network = mqtt.network_options();
    network.set_tcp_nodelay(true); // an acknowledgement must not wait for company
    mqtt.set_network_options(network)
        .set_keep_alive(options.keep_alive_seconds())
        .set_receive_maximum(Some(IN_FLIGHT))
        .set_max_packet_size(Some(LARGEST_INCOMING))
        .set_outgoing_inflight_upper_limit(IN_FLIGHT)
        .set_max_request_batch(usize::from(IN_FLIGHT))
        .set_ack_mode(AckMode::Manual);
    if options.memory == Memory::Kept {
        mqtt.set_clean_start(false)
            .set_session_expiry_interval(Some(SESSION_EXPIRY_SECONDS))
            .set_session_store(BlankSession);
    }
    if let Some(tls) = tls {
        mqtt.set_transport(Transport::tls_with_config(tls));
    }
    if let Some(login) = &options.login {
        mqtt.set_credentials(login.user.clone(), Bytes::copy_from_slice(login.password.expose().as_bytes()));
    }
    if let Some(will) = will {
        let properties = LastWillProperties {
            delay_interval: None,
            payload_format_indicator: Some(1),
            message_expiry_interval: None,
            content_type: Some("application/json".into()),
            response_topic: None,
            correlation_data: None,
            user_properties: Vec::new(),
        };
        let payload = will.payload.to_vec();
        mqtt.set_last_will(LastWill::new(&will.topic, payload, QoS::AtLeastOnce, will.retain, Some(properties)));
    }
    mqtt
}

async fn drive(mut events: EventLoop, sender: mpsc::Sender<Incoming>, options: ConnectOptions) -> CloudError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let ack = ack_of(&publish);
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let properties = publish.properties.unwrap_or_default();
                let properties = Properties {
                    response_topic: properties.response_topic,
                    correlation: properties.correlation_data,
                    expiry: properties.message_expiry_interval,
                };
                let (payload, retained) = (publish.payload, publish.retain);
                let message = Incoming { topic, payload, retained, properties, ack };
                // Waiting here holds the broker back; it does not send more than the receive limit anyway. While we
                // are closing nobody takes the message: it stays unacknowledged and comes again.
                let _ = sender.send(message).await;
            }
            Ok(Event::Outgoing(Outgoing::Disconnect)) | Err(ConnectionError::RequestsDone) => {
                return CloudError::Closed;
            }
            Ok(_) => {}
            Err(error) => return explain(&error, &options),
        }
    }
}

fn ack_of(publish: &rumqttc_v5::Publish) -> Ack {
    match publish.qos {
        QoS::AtMostOnce => Ack::None,
        QoS::AtLeastOnce => Ack::V5(rumqttc_v5::ManualAck::PubAck(rumqttc_v5::PubAck::new(publish.pkid, None))),
        QoS::ExactlyOnce => Ack::V5(rumqttc_v5::ManualAck::PubRec(rumqttc_v5::PubRec::new(publish.pkid, None))),
    }
}

pub(super) fn publish(
    client: &AsyncClient,
    message: Message,
) -> impl Future<Output = Result<Taken, PublishError>> + Send + 'static {
    let properties = PublishProperties {
        payload_format_indicator: Some(1),
        content_type: Some("application/json".into()),
        response_topic: message.properties.response_topic,
        correlation_data: message.properties.correlation,
        message_expiry_interval: message.properties.expiry,
        ..PublishProperties::default()
    };
    let options = PublishOptions::at_least_once().retain(message.retain).properties(properties);
    let notice = client.try_publish_tracked(message.topic, message.payload, options);
    async move {
        match notice.map_err(|_| PublishError::Lost)?.wait_async().await {
            Ok(PublishResult::Qos1(ack)) => taken(ack.reason),
            Ok(_) => Ok(Taken::Yes),
            Err(PublishNoticeError::RetainNotSupported) => {
                Err(PublishError::Refused("it does not keep retained messages".into()))
            }
            Err(_) => Err(PublishError::Lost),
        }
    }
}

fn taken(reason: PubAckReason) -> Result<Taken, PublishError> {
    let why = match reason {
        PubAckReason::Success => return Ok(Taken::Yes),
        PubAckReason::NoMatchingSubscribers => return Ok(Taken::NobodyListens),
        PubAckReason::NotAuthorized => "we may not publish there; look at the broker's access list",
        PubAckReason::QuotaExceeded => "our quota is used up",
        PubAckReason::TopicNameInvalid => "it does not like the topic's name",
        PubAckReason::PayloadFormatInvalid => "it does not like the payload",
        PubAckReason::PacketIdentifierInUse => "packet identifier in use",
        PubAckReason::UnspecifiedError | PubAckReason::ImplementationSpecificError => "it does not say why",
    };
    Err(PublishError::Refused(why.to_owned()))
}

pub(super) fn subscribe(
    client: &AsyncClient,
    filters: &[String],
    as_published: bool,
) -> impl Future<Output = Result<(), PublishError>> + Send + 'static {
    let filters = filters.iter().map(|filter| {
        let mut filter = SubscribeFilter::new(filter, QoS::AtLeastOnce);
        filter.preserve_retain = as_published;
        filter
    });
    let notice = client.try_subscribe_many_tracked(filters);
    async move {
        match notice.map_err(|_| PublishError::Lost)?.wait_completion_async().await {
            Ok(()) => Ok(()),
            Err(rumqttc_v5::SubscribeNoticeError::V5SubAckFailure(reasons)) => {
                Err(PublishError::Refused(format!("subscription refused: {reasons:?}")))
            }
            Err(_) => Err(PublishError::Lost),
        }
    }
}

fn explain(error: &ConnectionError, options: &ConnectOptions) -> CloudError {
    match error {
        ConnectionError::Io(error)
        | ConnectionError::MqttState(StateError::Io(error) | StateError::Deserialization(MqttError::Io(error))) => {
            explain_io(error, options)
        }
        ConnectionError::MqttState(StateError::Deserialization(MqttError::PayloadSizeLimitExceeded {
            pkt_size: size,
            ..
        })) => CloudError::TooLarge { size: *size, limit: LARGEST_INCOMING },
        ConnectionError::Tls(TlsError::Io(error)) => explain_io(error, options),
        ConnectionError::Tls(error) => explain_tls(&error.to_string(), options),
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::MqttState(StateError::ServerDisconnect { reason_code, reason_string }) => match reason_code {
            DisconnectReasonCode::SessionTakenOver => CloudError::TakenOver(options.client_id.clone()),
            DisconnectReasonCode::NotAuthorized => CloudError::Refused("not authorised any more".into()),
            code => CloudError::Lost(format!("the broker says {code:?} {}", reason_string.as_deref().unwrap_or(""))),
        },
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            CloudError::Lost(format!("{}:{} closed it", options.host, options.port))
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => CloudError::Lost("the broker went silent".into()),
        ConnectionError::Timeout(_) => {
            CloudError::Unreachable(format!("{}:{} does not answer", options.host, options.port))
        }
        other => CloudError::Lost(other.to_string()),
    }
}

fn refused(code: ConnectReturnCode) -> CloudError {
    use ConnectReturnCode as Code;
    let why = match code {
        Code::BadUserNamePassword => "wrong user name or password",
        Code::NotAuthorized => "user name, password or certificate do not open it",
        Code::Banned => "we are banned",
        Code::BadClientId | Code::ClientIdentifierNotValid => "it does not take our client id",
        Code::UnsupportedProtocolVersion | Code::RefusedProtocolVersion => {
            "it does not speak MQTT 5; set the version to 3.1.1"
        }
        Code::ServiceUnavailable | Code::ServerUnavailable | Code::ServerBusy | Code::ConnectionRateExceeded => {
            return CloudError::Unreachable("the broker is busy".into());
        }
        other => return CloudError::Refused(format!("{other:?}")),
    };
    CloudError::Refused(why.to_owned())
}
