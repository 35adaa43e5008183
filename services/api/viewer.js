// Whoever comes by the link of `dubline open` is signed in. Its token works once: it is exchanged, and leaves the address.
// This runs before the viewer, which takes what is behind the # for a place in its page, and writes another one there.
const signIn = async () => {
  const token = new URLSearchParams(location.hash.slice(1)).get("sign-in");
  if (!token) return;
  history.replaceState(null, "", location.pathname);
  const answer = await fetch(new URL("v1/sessions", location.href), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ token }),
  });
  const members = await answer.json();
  if (!answer.ok) return members.detail;
  // The viewer comes later; until it has read the description it answers null, and afterwards nothing.
  while (typeof ui === "undefined" || ui.preauthorizeApiKey("ApiKey", members.access_token) === null)
    await new Promise((done) => setTimeout(done, 50));
  const until = new Date(members.expires_at).toLocaleTimeString();
  return `You are signed in until ${until}: "Try it out" calls as you. Loading this page anew signs you out.`;
};

signIn()
  .catch((error) => `Signing in failed: ${error.message}.`)
  .then((text) => {
    if (!text) return;
    const line = document.createElement("p");
    line.setAttribute("role", "status");
    line.style = "margin: 0; padding: 1em; background: #fffbd6; font: 16px sans-serif";
    line.textContent = text;
    document.body.prepend(line);
  });
