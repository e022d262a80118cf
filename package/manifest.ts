import { COPIED } from './copied.ts'

/** A package.json, as far as it is read or changed here. */
export interface Manifest {
  version: string
  dependencies: Record<string, string>
  exports: Record<string, string>
  [member: string]: unknown
}

/** Members that only the checkout needs. */
const ONLY_HERE = ['private', 'scripts', 'allowScripts', 'devDependencies']
/** Folders and files of the tarball; npm adds README.md, LICENSE and package.json. */
const FILES = ['bin', 'dist', 'config.schema.json', 'CHANGELOG.md']
/** An app with one of these shares its copy; one with an earlier 5 keeps its own, in which the plugin works too. */
const FASTIFY = '^5.10.0'
/** Used where the user has installed them beside offpeak. */
const OPTIONAL: readonly string[] = ['@fastify/swagger-ui', 'nodemailer']

/** The compiled file of an entry, with its declarations; an entry that is no TypeScript stays as it is. */
function compiled (entry: string): string | { types: string, default: string } {
  if (!entry.endsWith('.ts')) return entry
  const path = entry.replace(/^\.\/(.*)\.ts$/, './dist/$1')
  return { types: `${path}.d.ts`, default: `${path}.js` }
}

/** The package.json of the tarball. */
export function publishedManifest (own: Manifest): Manifest {
  const kept = Object.entries(own).filter(([member]) => !ONLY_HERE.includes(member))
  const { dependencies, exports } = own
  const asked = Object.entries(dependencies)
  const optional = asked.filter(([name]) => OPTIONAL.includes(name))
  const needed = asked.filter(([name]) => !OPTIONAL.includes(name) && !Object.hasOwn(COPIED, name))
  return {
    ...Object.fromEntries(kept) as Manifest,
    files: FILES,
    exports: Object.fromEntries(Object.entries(exports).map(([name, entry]) => [name, compiled(entry)])) as never,
    dependencies: { ...Object.fromEntries(needed), fastify: FASTIFY },
    peerDependencies: Object.fromEntries(optional.map(([name, version]) => [name, `^${version}`])),
    peerDependenciesMeta: Object.fromEntries(optional.map(([name]) => [name, { optional: true }]))
  }
}
