/// Called by libFuzzer with bytes of its making (<https://llvm.org/docs/LibFuzzer.html>); the first chooses the ``Reader``.
///
/// - Returns: 0; -1 where nobody reads such bytes, which need not be kept.
@_cdecl("LLVMFuzzerTestOneInput")
public func readOneInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    let bytes = UnsafeRawBufferPointer(start: start, count: count)
    guard let reader = bytes.first.flatMap(Reader.init) else { return -1 }
    _ = reader.read(UnsafeRawBufferPointer(rebasing: bytes[1...]))
    return 0
}
