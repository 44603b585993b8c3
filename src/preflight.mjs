/*
 * Says in one sentence that this Node is too old, before anything that it could not even parse is loaded: plain JavaScript that
 * Node 12 runs. `node src/preflight.mjs` stands before every script that needs the real one.
 */

/** Jest's native modules and `require` of ES modules inside them work from here on. */
const NEEDED = { major: 24, minor: 9 };

/**
 * @param {string} version as `process.version` spells it
 * @returns {string | undefined} what to do, or undefined when this Node will do
 */
export function preflight(version) {
  const parts = /^v?([0-9]+)\.([0-9]+)/.exec(version);
  const major = parts === null ? 0 : Number(parts[1]);
  const minor = parts === null ? 0 : Number(parts[2]);
  if (major > NEEDED.major || (major === NEEDED.major && minor >= NEEDED.minor)) return undefined;
  return (
    'Postern needs Node ' +
    NEEDED.major +
    '.' +
    NEEDED.minor +
    ' or later and this is ' +
    version +
    ': on Linux (x64, arm64, glibc) `npm ci` brings the right one and `npm start`, `npm test`, `npm run …` and `npx postern …` use it; ' +
    'elsewhere install Node ' +
    NEEDED.major +
    ' from https://nodejs.org.'
  );
}

if (process.argv[1] !== undefined && /[\\/]preflight\.mjs$/.test(process.argv[1])) {
  const sentence = preflight(process.version);
  if (sentence !== undefined) {
    process.stderr.write(sentence + '\n');
    process.exitCode = 1;
  }
}
