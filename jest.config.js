/** Native ES modules under Node 24; `npm run jest -- <path>` runs a part. */
export default {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testRegex: '\\.spec\\.ts$',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['@swc/jest', { swcrc: true }] },
  moduleNameMapper: {
    '^#(libs|src)/(.*)\\.js$': '<rootDir>/$1/$2.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  // process-based suites start a gateway; a loaded two-core machine needs room
  testTimeout: 30_000,
  // the second one counts the suites that were left out, and keeps the logs of real servers when a test failed
  reporters: ['default', '<rootDir>/test/support/services/run-reporter.ts'],
};
