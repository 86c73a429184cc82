// The calls of FusionAuth's own TypeScript client, unchanged, against the development provider; run by test_typescript_client.py.
// The test does the part of the person and of the devices (a code of an app, a mail, a signature): `ask` sends it a line and reads one.
const assert = require("node:assert/strict");
const readline = require("node:readline");
const { FusionAuthClient } = require("@fusionauth/typescript-client");

const { url, key, tenant, store, forums, secret } = JSON.parse(process.argv[2]);
const client = new FusionAuthClient(key, url, tenant);
const anonymous = new FusionAuthClient(null, url, tenant);
const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();

async function ask(what, value) {
  process.stdout.write(`${JSON.stringify({ what, value })}\n`);
  return JSON.parse((await lines.next()).value);
}

async function ok(call, status = 200) {
  const answer = await call;
  assert.equal(answer.statusCode, status);
  return answer.response;
}

// The client rejects what is no success.
async function refused(call, status) {
  const answer = await call.then(
    () => assert.fail("it was accepted"),
    (error) => error,
  );
  assert.equal(answer.statusCode, status, String(answer));
  return answer.exception;
}

const address = (name) => `${name}@typescript.example`;
const password = "correct horse";

async function people() {
  const made = await ok(client.createUser(null, { user: { email: address("first"), password, firstName: "Ada" } }));
  const id = made.user.id;
  await refused(client.createUser(null, { user: { email: address("first"), password } }), 400);
  assert.equal((await ok(client.retrieveUser(id))).user.firstName, "Ada");
  assert.equal((await ok(client.retrieveUserByEmail(address("first")))).user.id, id);
  await ok(client.patchUser(id, { user: { lastName: "Lovelace" } }));
  await ok(client.updateUser(id, { user: { email: address("first"), fullName: "Ada Lovelace" } }));
  await ok(client.register(id, { registration: { applicationId: store, roles: ["shopper"] } }));
  await ok(client.register(id, { registration: { applicationId: forums } }));
  await ok(client.patchRegistration(id, { registration: { applicationId: forums, data: { theme: "dark" } } }));
  await ok(client.updateRegistration(id, { registration: { applicationId: forums, roles: ["member"] } }));
  const found = (await ok(client.retrieveRegistration(id, forums))).registration;
  assert.deepEqual(found.roles, ["member"]);
  const other = "3c219e58-ed0e-4b18-ad48-f4f92793ae32";
  await ok(client.createUser(other, { user: { email: address("other"), password } }));
  await ok(client.deactivateUser(other));
  await ok(client.deleteUser(other));
  await refused(client.retrieveUser(other), 404);
  return id;
}

async function logins(id) {
  const body = { loginId: address("first"), password, applicationId: store };
  await refused(client.login({ ...body, password: "wrong horse" }), 404);
  await refused(anonymous.login(body), 401);
  const { refreshToken, refreshTokenId, token } = await ok(client.login(body));
  await ok(client.loginPing(id, store, "192.0.2.1"));
  await ok(client.loginPingWithRequest({ userId: id, applicationId: store, ipAddress: "192.0.2.1" }));
  assert.equal((await ok(client.validateJWT(token))).jwt.sub, id);
  assert.equal((await ok(client.introspectAccessToken(store, token))).active, true);
  const next = await ok(client.exchangeRefreshTokenForJWT({ refreshToken }));
  assert.equal(next.refreshTokenId, refreshTokenId);
  const grant = [next.refreshToken ?? refreshToken, store, secret];
  assert.equal((await ok(client.exchangeRefreshTokenForAccessToken(...grant))).userId, id);
  await refused(client.exchangeRefreshTokenForAccessToken("unknown", store, secret), 400);
  assert.ok((await ok(client.retrieveRefreshTokens(id))).refreshTokens.some((one) => one.id === refreshTokenId));
  assert.equal((await ok(client.retrieveRefreshTokenById(refreshTokenId))).refreshToken.userId, id);
  await ok(client.revokeRefreshTokenById(refreshTokenId));
  await refused(client.exchangeRefreshTokenForJWT({ refreshToken }), 400);
  await ok(client.login(body));
  await ok(client.revokeRefreshTokensByUserId(id));
  const last = await ok(client.login(body));
  await ok(client.logout(true, last.refreshToken));
  await refused(client.exchangeRefreshTokenForJWT({ refreshToken: last.refreshToken }), 400);
}

async function otherLogins(id) {
  const start = { applicationId: store, loginId: address("first"), loginStrategy: "FormField" };
  const code = await ok(client.startPasswordlessLogin(start));
  await ok(client.sendPasswordlessCode({ code: code.code }));
  assert.equal((await ok(client.passwordlessLogin({ ...code, applicationId: store }))).user.id, id);

  const making = { userId: id, displayName: "Phone", workflow: "bootstrap" };
  const party = { origin: "https://store.example", rpId: "store.example" };
  const make = await ok(client.startWebAuthnRegistration(making));
  const made = { userId: id, credential: await ask("make", make.options.challenge), ...party };
  const { credential } = await ok(client.completeWebAuthnRegistration(made));
  const begun = await ok(client.startWebAuthnLogin({ applicationId: store, loginId: address("first"), workflow: "bootstrap" }));
  const signed = { applicationId: store, credential: await ask("sign", begun.options.challenge), ...party };
  assert.equal((await ok(client.completeWebAuthnLogin(signed))).user.id, id);
  assert.equal((await ok(client.retrieveWebAuthnCredential(credential.id))).credential.displayName, "Phone");
  assert.equal((await ok(client.retrieveWebAuthnCredentialsForUser(id))).credentials.length, 1);
  await ok(client.deleteWebAuthnCredential(credential.id));
  await ok(client.deleteWebAuthnCredentialsForUser(id));

  const app = await ask("app");
  const enable = { method: "authenticator", secretBase32Encoded: app.secret, code: app.code };
  assert.equal((await ok(client.enableTwoFactor(id, enable))).recoveryCodes.length, 10);
  const due = await ok(client.login({ loginId: address("first"), password, applicationId: store }), 242);
  await ok(client.sendTwoFactorCodeForLoginUsingMethod(due.twoFactorId, { methodId: due.methods[0].id }));
  await refused(client.twoFactorLogin({ twoFactorId: due.twoFactorId, code: "wrong" }), 421);
  const done = await ok(client.twoFactorLogin({ twoFactorId: due.twoFactorId, code: (await ask("app")).code }));
  assert.equal(done.user.id, id);
}

async function passwords() {
  const forgotten = { loginId: address("first"), applicationId: store, sendForgotPasswordEmail: false };
  const first = await ok(client.forgotPassword(forgotten));
  await ok(client.changePassword(first.changePasswordId, { password: `${password} 2` }));
  const second = await ok(client.forgotPassword(forgotten));
  const change = { changePasswordId: second.changePasswordId, password: `${password} 3` };
  await ok(client.changePasswordByIdentity(change));
  const user = { email: address("mail"), password };
  await ok(client.patchTenant(tenant, { tenant: { emailConfiguration: { verifyEmail: true } } }));
  await ok(client.register(null, { user, registration: { applicationId: store } }));
  await ok(client.login({ loginId: address("mail"), password, applicationId: store }), 212);
  await ok(client.verifyEmailAddress({ verificationId: await ask("mail") }));
  await ok(client.login({ loginId: address("mail"), password, applicationId: store }));
}

async function settings(id) {
  const { roles } = (await ok(client.retrieveApplication(forums))).application;
  const moderator = roles.find((one) => one.name === "moderator").id;
  const group = { group: { name: "Moderators" }, roleIds: [moderator] };
  const groupId = (await ok(client.createGroup(null, group))).group.id;
  await ok(client.createGroup("3c219e58-ed0e-4b18-ad48-f4f92793ae34", group));
  await ok(client.retrieveGroup(groupId));
  assert.equal((await ok(client.retrieveGroups())).groups.length, 2);
  await ok(client.createGroupMembers({ members: { [groupId]: [{ userId: id }] } }));
  assert.deepEqual((await ok(client.retrieveRegistration(id, forums))).registration.roles, ["member", "moderator"]);
  await ok(client.deleteGroupMembers({ members: { [groupId]: [id] } }));
  await ok(client.deleteGroup(groupId));

  const webhook = (await ok(client.createWebhook(null, { webhook: { url: "https://console.example/webhooks" } }))).webhook;
  await ok(client.patchWebhook(webhook.id, { webhook: { eventsEnabled: { "user.delete": true } } }));
  assert.ok((await ok(client.retrieveWebhooks())).webhooks.some((one) => one.eventsEnabled["user.delete"]));

  const application = { application: { name: "Books" } };
  const bookId = (await ok(client.createApplication(null, application))).application.id;
  await ok(client.createApplication("3c219e58-ed0e-4b18-ad48-f4f92793ae35", application));
  await ok(client.patchApplication(bookId, { application: { name: "Library" } }));
  await ok(client.createApplicationRole(bookId, null, { role: { name: "reader" } }));
  assert.ok((await ok(client.retrieveApplications())).applications.length > 3);
  assert.equal((await ok(client.retrieveTenant(tenant))).tenant.id, tenant);
  assert.ok((await ok(client.retrieveJsonWebKeySet())).keys.length);
  assert.ok((await ok(client.retrieveJWTPublicKeyByApplicationId(store))).publicKey);
  assert.ok((await ok(client.retrieveOpenIdConfiguration())).token_endpoint);
  assert.ok((await ok(client.retrieveVersion())).version);
  await ok(client.retrieveSystemStatus());
  await ok(client.retrieveSystemHealth());
  await ok(client.deleteRegistration(id, forums));
}

async function main() {
  const id = await people();
  await logins(id);
  await otherLogins(id);
  await passwords();
  await settings(id);
  lines.return();
}

main().then(
  () => process.exit(0),
  (error) => {
    process.stderr.write(`${error?.stack ?? JSON.stringify(error)}\n`);
    process.exit(1);
  },
);
