//! MQTT 3.1.1.

use std::future::Future;

use bytes::Bytes;
use futures_util::FutureExt as _;
use rumqttc_v4::mqttbytes::Error as MqttError;
use rumqttc_v4::{
    AckMode, AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, LastWill, MqttOptions, Outgoing,
    Packet, PublishOptions, QoS, StateError, SubscribeFilter, TlsConfiguration, TlsError, Transport,
};
use tokio::sync::mpsc;

use super::{
    Ack, Client, CloudError, ConnectOptions, IN_FLIGHT, Incoming, LARGEST_INCOMING, LARGEST_OUTGOING, Memory, Message,
    Properties, PublishError, REQUESTS, Session, Taken, explain_io, explain_tls,
};

pub(super) async fn connect(
    options: &ConnectOptions,
    will: Option<&Message>,
    tls: Option<TlsConfiguration>,
) -> Result<Session, CloudError> {
    let (client, mut events) = AsyncClient::builder(mqtt_options(options, will, tls)).capacity(REQUESTS).build();
    events.network_options.set_tcp_nodelay(true); // an acknowledgement must not wait for company
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => break,
            Ok(_) => {}
            Err(error) => return Err(explain(&error, options)),
        }
    }
    let options = options.clone();
    Ok(Session::start(Client::V4(client), None, move |sender| drive(events, sender, options).boxed()))
}

fn mqtt_options(options: &ConnectOptions, will: Option<&Message>, tls: Option<TlsConfiguration>) -> MqttOptions {
    let mut mqtt = MqttOptions::new(options.client_id.clone(), (options.host.clone(), options.port));
    let largest_incoming = usize::try_from(LARGEST_INCOMING).unwrap_or(usize::MAX);
    mqtt.set_keep_alive(options.keep_alive_seconds())
        .set_max_packet_size(largest_incoming, LARGEST_OUTGOING + 128)
        .set_inflight(IN_FLIGHT)
        .set_max_request_batch(usize::from(IN_FLIGHT))
        .set_ack_mode(AckMode::Manual)
        .set_clean_session(options.memory == Memory::None);
    if let Some(tls) = tls {
        mqtt.set_transport(Transport::tls_with_config(tls));
    }
    if let Some(login) = &options.login {
        mqtt.set_credentials(login.user.clone(), Bytes::copy_from_slice(login.password.expose().as_bytes()));
    }
    if let Some(will) = will {
        mqtt.set_last_will(LastWill::new(&will.topic, will.payload.to_vec(), QoS::AtLeastOnce, will.retain));
    }
    mqtt
}

async fn drive(mut events: EventLoop, sender: mpsc::Sender<Incoming>, options: ConnectOptions) -> CloudError {
    loop {
        match events.poll().await {
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                let ack = ack_of(&publish);
                let topic = String::from_utf8_lossy(&publish.topic).into_owned();
                let (retained, properties) = (publish.retain, Properties::default());
                let message = Incoming { topic, payload: publish.payload, retained, properties, ack };
                // Waiting here holds the broker back: 3.1.1 has no receive limit that we could name. While we are
                // closing nobody takes the message: it stays unacknowledged and comes again.
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

fn ack_of(publish: &rumqttc_v4::Publish) -> Ack {
    match publish.qos {
        QoS::AtMostOnce => Ack::None,
        QoS::AtLeastOnce => Ack::V4(rumqttc_v4::ManualAck::PubAck(rumqttc_v4::PubAck::new(publish.pkid))),
        QoS::ExactlyOnce => Ack::V4(rumqttc_v4::ManualAck::PubRec(rumqttc_v4::PubRec::new(publish.pkid))),
    }
}

pub(super) fn publish(
    client: &AsyncClient,
    message: Message,
) -> impl Future<Output = Result<Taken, PublishError>> + Send + 'static {
    let options = PublishOptions::at_least_once().retain(message.retain);
    let notice = client.try_publish_tracked(message.topic, message.payload, options);
    async move {
        let notice = notice.map_err(|_| PublishError::Lost)?;
        notice.wait_completion_async().await.map(|()| Taken::Yes).map_err(|_| PublishError::Lost)
    }
}

pub(super) fn subscribe(
    client: &AsyncClient,
    filters: &[String],
) -> impl Future<Output = Result<(), PublishError>> + Send + 'static {
    let filters = filters.iter().map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtLeastOnce));
    let notice = client.try_subscribe_many_tracked(filters);
    async move {
        match notice.map_err(|_| PublishError::Lost)?.wait_completion_async().await {
            Ok(()) => Ok(()),
            Err(rumqttc_v4::SubscribeNoticeError::V4SubAckFailure(reasons)) => {
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
        ConnectionError::MqttState(StateError::Deserialization(MqttError::PayloadSizeLimitExceeded(size))) => {
            CloudError::TooLarge { size: *size, limit: LARGEST_INCOMING }
        }
        ConnectionError::Tls(TlsError::Io(error)) => explain_io(error, options),
        ConnectionError::Tls(error) => explain_tls(&error.to_string(), options),
        ConnectionError::ConnectionRefused(code) => refused(*code),
        ConnectionError::MqttState(StateError::ConnectionAborted) => {
            CloudError::Lost(format!("{}:{} closed it", options.host, options.port))
        }
        ConnectionError::MqttState(StateError::AwaitPingResp) => CloudError::Lost("the broker went silent".into()),
        ConnectionError::NetworkTimeout | ConnectionError::FlushTimeout => {
            CloudError::Unreachable(format!("{}:{} does not answer", options.host, options.port))
        }
        other => CloudError::Lost(other.to_string()),
    }
}

fn refused(code: ConnectReturnCode) -> CloudError {
    let why = match code {
        ConnectReturnCode::BadUserNamePassword => "wrong user name or password",
        ConnectReturnCode::NotAuthorized => "user name, password or certificate do not open it",
        ConnectReturnCode::BadClientId => "it does not take our client id",
        ConnectReturnCode::RefusedProtocolVersion => "it does not speak MQTT 3.1.1",
        ConnectReturnCode::ServiceUnavailable => return CloudError::Unreachable("the broker is busy".into()),
        ConnectReturnCode::Success => "it said yes and no",
    };
    CloudError::Refused(why.to_owned())
}
