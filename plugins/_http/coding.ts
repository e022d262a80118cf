import { pipeline } from 'node:stream'
import type { Readable, Transform } from 'node:stream'
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from 'node:zlib'
import type { IncomingHttpHeaders } from 'node:http'
import { uploadRefused } from '../../core/index.ts'

const DECODERS: Record<string, () => Transform> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress
}

const codingsOf = (header: string | undefined) =>
  (header ?? '').toLowerCase().split(',').map(word => word.trim()).filter(word => word !== '' && word !== 'identity')

/** The body with its content codings decoded, the last one first. `plain`: true when there are none, so that the
 *  content length is that of the file. Throws OFFPEAK_UPLOAD_REFUSED for an unknown coding, and for a multipart
 *  form. */
export function bodyOf (from: Readable, headers: IncomingHttpHeaders): { body: Readable, plain: boolean } {
  if (/^\s*multipart\//i.test(headers['content-type'] ?? '')) {
    throw uploadRefused({
      message: 'Multipart forms are not supported: the body is the file itself',
      fix: 'Send the bytes alone: curl --data-binary @FILE or --upload-file FILE instead of --form.'
    })
  }
  const codings = codingsOf(headers['content-encoding'])
  const unknown = codings.find(coding => DECODERS[coding] === undefined)
  if (unknown !== undefined || codings.length > 3) {
    throw uploadRefused({
      message: `The content coding '${(unknown ?? codings.join(', ')).slice(0, 40)}' is not supported`,
      fix: `Send the file as it is, or encoded with one of ${Object.keys(DECODERS).join(', ')}.`
    })
  }
  let body = from
  for (const coding of codings.toReversed()) {
    const decoder = DECODERS[coding]!()
    // The reader of the decoder gets its errors. Without a reader an error must not be uncaught.
    decoder.on('error', () => undefined)
    pipeline(body, decoder, () => undefined)
    body = decoder
  }
  return { body, plain: codings.length === 0 }
}
