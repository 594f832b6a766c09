import Recipe
import Safetensors
import ZeroMQ

func readSafetensors(_ bytes: UnsafeRawBufferPointer) throws {
    let header = try SafetensorsHeader(parsing: bytes)
    var end = 0
    for tensor in header.tensors {
        precondition(tensor.range.lowerBound == end && tensor.range.upperBound >= end)
        end = tensor.range.upperBound
        _ = tensor.elementCount
    }
    precondition(header.byteCount + end == bytes.count)
    let written = header.bytes + [UInt8](repeating: 0, count: end)
    let again = try written.withUnsafeBytes { written in
        try SafetensorsHeader(parsing: written)
    }
    precondition(again.tensors == header.tensors && again.metadata == header.metadata)
}

func readRecipe(_ bytes: UnsafeRawBufferPointer) throws {
    let recipe = try RecipeReader.read(toml: String(decoding: bytes, as: UTF8.self))
    let again = try RecipeReader.read(toml: recipe.toml)
    precondition(again.toml == recipe.toml && again.hash == recipe.hash)
}

/// Frames, each behind its length in a byte, as libzmq would hand them to an authenticator.
func readAuthentication(_ bytes: UnsafeRawBufferPointer) throws {
    var frames: [Frame] = []
    var rest = bytes[...]
    while let length = rest.popFirst(), frames.count < 16 {
        frames.append(try Frame(Array(rest.prefix(Int(length)))))
        rest = rest.dropFirst(Int(length))
    }
    let reply = try AuthenticationRequest(frames).reply { $0.key == nil ? nil : "worker" }
    precondition(reply.count == 6)
    let isWelcome = reply[2].bytes == Array("200".utf8)
    precondition(isWelcome == (frames.count == 7 && frames[5].bytes == Array("CURVE".utf8) && frames[6].count == 32))
}
