export const FORMAT = 'offpeak-backup-1'
/** The last entry of an archive: what is in it. */
export const MANIFEST = '.offpeak-manifest.json'

/** One file of an archive. */
export interface PackedFile {
  path: string
  size: number
  mode: number
  /** ISO, with up to nine digits of a second. */
  mtime: string
  sha256: string
  /** It was written to while it was read, so what is kept may be half old, half new. */
  changed?: true
  /** Parts of it could not be read and are kept as zeros: the code of the system. */
  damaged?: string
  /** The bytes that it takes on disk, when these are fewer than its size: it has holes. */
  allocated?: number
}

/** A path and what it points at: the text of a link, or the file that a hard link is another name of. */
export interface PackedLink {
  path: string
  to: string
}

/** What is in an archive. Paths are relative with `/`; a byte that is not UTF-8 stands as a lone surrogate
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
  /** Missing in archives that were made before links were kept; so are the next three. */
  links?: PackedLink[]
  hard_links?: PackedLink[]
  /** Of the folder itself. */
  root?: { mode: number, mtime: string }
  passed_over: { path: string, why: string }[]
}

/** A manifest as it lies beside its archive. `unpacked`: the bytes of the tar in it. */
export interface SideManifest extends Manifest {
  archive: { file: string, bytes: number, sha256: string, unpacked?: number }
}

/** What is left out although nobody has asked for it. */
export const unreadIn = ({ passed_over: passed }: Pick<Manifest, 'passed_over'>): { path: string, why: string }[] =>
  passed.filter(({ why }) => why !== 'special' && why !== 'link')

/** True for a backup that lacks something which could not be read. */
export const isPartial = (manifest: Pick<Manifest, 'passed_over' | 'files'>): boolean =>
  unreadIn(manifest).length > 0 || manifest.files.some(({ damaged }) => damaged !== undefined)
