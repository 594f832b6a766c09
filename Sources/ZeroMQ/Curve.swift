import CZeroMQ

/// CURVE: a connection that is encrypted, and whose two ends know each other's keys (zmq_curve(7)).
extension Socket {
    /// The zone whose visitors an ``Authenticator`` of the same context is asked about.
    package static var zone: String { "danlu" }

    /// Accepts only who proves a key that the context's ``Authenticator`` knows.
    ///
    /// Call it before binding, and have the authenticator running: without one, any key would do.
    package func serve(with keys: KeyPair) throws(ZeroMQError) {
        try requireCurve()
        try set(.zapDomain, to: Self.zone)
        // An option that stable builds may lack; messages are checked for who sent them in any case.
        try? set(SocketOption<CInt>.zapEnforceDomain, to: 1)
        try set(.curveServer, to: true)
        try set(.curveSecretKey, to: keys.secretKey)
    }

    /// Talks only to who proves to have the secret of `serverKey`.
    package func identify(with keys: KeyPair, to serverKey: String) throws(ZeroMQError) {
        try requireCurve()
        try set(.curveServerKey, to: serverKey)
        try set(.curvePublicKey, to: keys.publicKey)
        try set(.curveSecretKey, to: keys.secretKey)
    }
}

/// - Throws: ``ZeroMQError/noCurve`` where libzmq was built without it.
func requireCurve() throws(ZeroMQError) {
    guard zmq_has("curve") == 1 else { throw .noCurve }
}
