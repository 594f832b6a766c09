import Crypto

/// The hashes by which tools know a LoRA file, over the bytes of its tensors and not its metadata.
///
/// They are kohya's `precalculate_safetensors_hashes` (sd-scripts, `library/train_util.py`).
package struct TensorHashes: Sendable, Equatable {
    /// SHA-256 of all bytes behind the header, in hexadecimal: `sshs_model_hash`.
    package let model: String
    /// The first eight digits of the SHA-256 of bytes 0x100000..<0x110000 of the file: `sshs_legacy_hash`.
    ///
    /// The reference takes it over the file as it would be with the `ss_*` metadata alone.
    package let legacy: String

    /// The hashes of a file that is to be written, with a first pass over its tensors.
    ///
    /// - Parameter writer: the tensors with the `ss_*` metadata alone, for the legacy hash to agree with kohya's.
    package init(of writer: SafetensorsWriter) throws {
        var model = SHA256()
        var window = WindowHash()
        writer.header.bytes.withUnsafeBytes { window.update($0) }
        try writer.produceData { bytes in
            model.update(bufferPointer: bytes)
            window.update(bytes)
        }
        self.model = hexadecimal(model.finalize())
        legacy = window.digits
    }
}

extension SafetensorsFile {
    /// SHA-256 of all bytes behind the header, in hexadecimal: the same for two files with the same tensors.
    package var tensorDataHash: String {
        var hash = SHA256()
        hash.update(bufferPointer: data)
        return hexadecimal(hash.finalize())
    }

    /// SHA-256 of the whole file, in hexadecimal: what kohya writes as `ss_new_sd_model_hash`.
    package var fileHash: String {
        var hash = SHA256()
        hash.update(bufferPointer: allBytes)
        return hexadecimal(hash.finalize())
    }

    /// Eight digits over a window of the file: what kohya writes as `ss_sd_model_hash`.
    package var legacyHash: String {
        var window = WindowHash()
        window.update(allBytes)
        return window.digits
    }
}

/// SHA-256 over bytes 0x100000..<0x110000 of a stream, shortened to eight digits (`addnet_hash_legacy`).
private struct WindowHash {
    private var hash = SHA256()
    private var position = 0

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        let window = (0x100000..<0x110000).clamped(to: position..<position + bytes.count)
        if !window.isEmpty {
            let part = bytes[window.lowerBound - position..<window.upperBound - position]
            hash.update(bufferPointer: UnsafeRawBufferPointer(rebasing: part))
        }
        position += bytes.count
    }

    var digits: String { String(hexadecimal(hash.finalize()).prefix(8)) }
}

/// The bytes of a digest as hexadecimal digits, two each.
private func hexadecimal(_ digest: SHA256Digest) -> String {
    digest.map { byte in (byte < 16 ? "0" : "") + String(byte, radix: 16) }.joined()
}
