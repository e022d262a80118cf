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

/** The bytes that the sender means: a body that was packed for the way is unpacked, in the reverse order of its
 *  codings. Throws OFFPEAK_UPLOAD_REFUSED for a coding that is not known, and for a form, which is not a file. `plain`:
 *  the bytes are those that came. */
export function bodyOf (from: Readable, headers: IncomingHttpHeaders): { body: Readable, plain: boolean } {
  if (/^\s*multipart\//i.test(headers['content-type'] ?? '')) {
    throw uploadRefused({
      message: 'A form is not taken: the body is the file itself',
      fix: 'Send the bytes alone, with curl --data-binary @FILE or curl --upload-file FILE instead of --form.'
    })
  }
  const codings = codingsOf(headers['content-encoding'])
  const unknown = codings.find(coding => DECODERS[coding] === undefined)
  if (unknown !== undefined || codings.length > 3) {
    throw uploadRefused({
      message: `The content coding '${(unknown ?? codings.join(', ')).slice(0, 40)}' is not known`,
      fix: `Send the file as it is, or packed by one of ${Object.keys(DECODERS).join(', ')}.`
    })
  }
  let body = from
  for (const coding of codings.toReversed()) {
    const decoder = DECODERS[coding]!()
    // What goes wrong is raised where the decoder is read; once nobody reads it any more, nowhere.
    decoder.on('error', () => undefined)
    pipeline(body, decoder, () => undefined)
    body = decoder
  }
  return { body, plain: codings.length === 0 }
}
