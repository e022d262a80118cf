export const FORMAT = 'offpeak-backup-1'
/** The name of the last entry of an archive: its manifest. */
export const MANIFEST = '.offpeak-manifest.json'

/** One file of an archive. */
export interface PackedFile {
  path: string
  size: number
  mode: number
  /** ISO 8601, with up to nine digits of a second. */
  mtime: string
  sha256: string
  /** It changed while it was read, so the archived content may be mixed. */
  changed?: true
  /** Parts could not be read and are zeros: the code of the system error. */
  damaged?: string
  /** The bytes it uses on disk, if less than its size because it has holes. */
  allocated?: number
}

/** A path, and the text of the link or the other name of the hard link. */
export interface PackedLink {
  path: string
  to: string
}

/** The contents of an archive. Paths are relative, with `/`; bytes that are not UTF-8 are lone surrogates
 *  (`\udce9`). */
export interface Manifest {
  format: typeof FORMAT
  name: string
  source: string
  run_id: string
  created_at: string
  bytes: number
  files: PackedFile[]
  folders: string[]
  /** This and the next two members are missing in archives of older versions, which left out links. */
  links?: PackedLink[]
  hard_links?: PackedLink[]
  /** The source folder itself. */
  root?: { mode: number, mtime: string }
  passed_over: { path: string, why: string }[]
}

/** A manifest beside its archive. `unpacked`: the size of the uncompressed tar in bytes. */
export interface SideManifest extends Manifest {
  archive: { file: string, bytes: number, sha256: string, unpacked?: number }
}

/** The entries that could not be read. */
export const unreadIn = ({ passed_over: passed }: Pick<Manifest, 'passed_over'>): { path: string, why: string }[] =>
  passed.filter(({ why }) => why !== 'special' && why !== 'link')

/** True for a backup with entries that could not be read, wholly or in part. */
export const isPartial = (manifest: Pick<Manifest, 'passed_over' | 'files'>): boolean =>
  unreadIn(manifest).length > 0 || manifest.files.some(({ damaged }) => damaged !== undefined)
