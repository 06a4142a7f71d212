/** A CRL as a file, in DER. */
export interface CrlFile {
  /** Below the root of the place, with slashes, e.g. `v1/authorities/acme-g1/crl`. */
  readonly path: string
  readonly octets: number
  readonly sha256: Uint8Array
  /** In parts of some hundred KiB at most. May be called again. */
  read(): AsyncIterable<Uint8Array>
}

/** More than a CRL of a million entries has. */
export const mostFileOctets = 128 * 1024 * 1024

/** A place where files of CRLs are put, for others to hand out. Who reads there finds a whole file, the old or the new one. */
export interface CrlTarget {
  /** As operators are told of it, e.g. `/srv/crl` or `s3://bucket/prefix`. No secret. */
  readonly name: string
  /**
   * Lower-case hex SHA-256 of the file that is there; undefined where there is none, or it cannot be known.
   *
   * @throws MintlineError `crl_target_failed`; the reason of an aborted `signal`.
   */
  find(path: string, signal: AbortSignal): Promise<string | undefined>
  /**
   * The file that is there; undefined where there is none, or it is larger than any CRL of ours. Throws as `find`.
   */
  read(path: string, signal: AbortSignal): Promise<Uint8Array | undefined>
  /**
   * Puts the file in the place of the one before. A crash leaves that one.
   *
   * @throws MintlineError `crl_target_failed`; what `read` throws; the reason of an aborted `signal`.
   */
  put(file: CrlFile, signal: AbortSignal): Promise<void>
  close(): void
}
