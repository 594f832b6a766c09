import CZeroMQ

/// A setting of a socket, with the type of its value (zmq_setsockopt(3)).
package struct SocketOption<Value>: Sendable {
    let name: CInt
}

extension SocketOption<CInt> {
    /// How long, in milliseconds, unsent messages outlive the socket.
    ///
    /// `-1`, libzmq's own default, waits for ever.
    package static var linger: Self { Self(name: ZMQ_LINGER) }
    /// Messages queued towards each peer before ``ZeroMQError/queueFull``.
    package static var sendHighWaterMark: Self { Self(name: ZMQ_SNDHWM) }
    /// Messages queued from each peer before TCP pushes back.
    package static var receiveHighWaterMark: Self { Self(name: ZMQ_RCVHWM) }
    /// Milliseconds a peer may take to greet; 30,000 by default.
    package static var handshakeInterval: Self { Self(name: ZMQ_HANDSHAKE_IVL) }
    /// Milliseconds between ZMTP heartbeats; 0 sends none.
    package static var heartbeatInterval: Self { Self(name: ZMQ_HEARTBEAT_IVL) }
    /// Milliseconds without one whole message before the connection is cut; several times what a chunk takes.
    package static var heartbeatTimeout: Self { Self(name: ZMQ_HEARTBEAT_TIMEOUT) }
    /// Milliseconds the peer should wait for us; below 65,600, where libzmq 4.3.4 overflows (libzmq#4226).
    package static var heartbeatTimeToLive: Self { Self(name: ZMQ_HEARTBEAT_TTL) }
    /// Milliseconds before the first attempt to reconnect.
    package static var reconnectInterval: Self { Self(name: ZMQ_RECONNECT_IVL) }
    /// The longest pause between attempts to reconnect, in milliseconds; the pause doubles up to it.
    package static var reconnectIntervalMaximum: Self { Self(name: ZMQ_RECONNECT_IVL_MAX) }
    /// Connections that the system completes before they are accepted.
    package static var backlog: Self { Self(name: ZMQ_BACKLOG) }
    // ZMQ_ZAP_ENFORCE_DOMAIN, whose name the headers keep for draft builds.
    static var zapEnforceDomain: Self { Self(name: 93) }
}

extension SocketOption<Bool> {
    /// A router says ``ZeroMQError/peerUnreachable`` and ``ZeroMQError/queueFull`` instead of dropping in silence.
    package static var routerMandatory: Self { Self(name: ZMQ_ROUTER_MANDATORY) }
    /// Queue only for peers whose connection is complete.
    package static var immediate: Self { Self(name: ZMQ_IMMEDIATE) }
    /// Accept and make IPv6 connections too.
    package static var ipv6: Self { Self(name: ZMQ_IPV6) }
    /// Be the side of CURVE that proves its key to clients.
    package static var curveServer: Self { Self(name: ZMQ_CURVE_SERVER) }
    /// Be the side of PLAIN that asks for name and password.
    package static var plainServer: Self { Self(name: ZMQ_PLAIN_SERVER) }
    /// TCP's own probes of silent connections.
    package static var tcpKeepAlive: Self { Self(name: ZMQ_TCP_KEEPALIVE) }
}

extension SocketOption<Int64> {
    /// The longest frame, in bytes, that a peer may send.
    ///
    /// Checked before memory is taken; a peer that exceeds it is cut off.
    package static var maximumMessageSize: Self { Self(name: ZMQ_MAXMSGSIZE) }
}

extension SocketOption<String> {
    /// One's own CURVE key pair, in Z85 (40 characters each).
    package static var curvePublicKey: Self { Self(name: ZMQ_CURVE_PUBLICKEY) }
    package static var curveSecretKey: Self { Self(name: ZMQ_CURVE_SECRETKEY) }
    /// The public key that a client expects of its server, in Z85.
    package static var curveServerKey: Self { Self(name: ZMQ_CURVE_SERVERKEY) }
    package static var plainUsername: Self { Self(name: ZMQ_PLAIN_USERNAME) }
    package static var plainPassword: Self { Self(name: ZMQ_PLAIN_PASSWORD) }
    /// The domain that a ZAP handler is asked about.
    package static var zapDomain: Self { Self(name: ZMQ_ZAP_DOMAIN) }
}

extension Socket {
    package func set(_ option: SocketOption<CInt>, to value: CInt) throws(ZeroMQError) {
        try set(option.name, to: value)
    }

    package func set(_ option: SocketOption<Bool>, to value: Bool) throws(ZeroMQError) {
        try set(option.name, to: CInt(value ? 1 : 0))
    }

    package func set(_ option: SocketOption<Int64>, to value: Int64) throws(ZeroMQError) {
        try set(option.name, to: value)
    }

    package func set(_ option: SocketOption<String>, to value: String) throws(ZeroMQError) {
        guard zmq_setsockopt(raw, option.name, value, value.utf8.count) == 0 else {
            throw .last("zmq_setsockopt(\(option.name))")
        }
    }

    private func set<Value: BitwiseCopyable>(_ name: CInt, to value: Value) throws(ZeroMQError) {
        var value = value
        guard zmq_setsockopt(raw, name, &value, MemoryLayout<Value>.size) == 0 else {
            throw .last("zmq_setsockopt(\(name))")
        }
    }
}
