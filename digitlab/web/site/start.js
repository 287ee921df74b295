// Says on the page what is wrong when it does not load, and what to do.
//
// It has to run where the rest does not: it is not a module, it is written for old browsers (ES5), and nothing
// waits for it. If this script itself does not load, style.css shows the text in index.html after some seconds.
(function () {
  var PATIENCE = 4000; // ms until a page that is still loading says so
  var BROWSERS = "a current Chrome, Edge, Firefox or Safari.";
  var root = document.documentElement;
  var since = Date.now(); // when loading began
  var error = ""; // what the browser said about the page's code
  var asked = false;
  var timer = setInterval(watch, 250);
  addEventListener("error", function (event) { error = error || event.message || ""; });

  function watch() {
    var state = root.dataset.state; // app.js sets "loading", "ready" and "trouble"
    var waits = !state || state === "slow"; // for app.js
    var style = document.querySelector("link[rel=stylesheet]");
    var styled = getComputedStyle(root).getPropertyValue("--page") !== "";
    if (state === "ready") return clearInterval(timer);
    if (state === "trouble") since = Date.now();
    if (document.readyState === "complete" && (waits || !styled) && !asked) diagnose();
    if (Date.now() - since < PATIENCE) return;
    if (!styled && !style.onload) {
      style.onload = function () { style.media = "all"; };
      style.media = "print"; // otherwise the browser shows nothing until the style sheet has arrived
    }
    var late = files("link[rel*=preload], link[rel=stylesheet], script").filter(function (url) { return !performance.getEntriesByName(url).length; });
    var what = late.map(name).join(", ") || "the rest of the page";
    say(waits ? "slow" : state, "Not ready yet", "Still waiting for " + what + ". The page starts by itself when it arrives. If it does not, check the network connection and try again.");
  }

  function say(state, sentence, text) {
    var box = document.getElementById("trouble"), retry = document.getElementById("retry");
    if (!retry || root.dataset.state === "ready") return;
    root.dataset.state = state;
    document.getElementById("sentence").textContent = sentence;
    if (box.firstElementChild.textContent !== text) box.firstElementChild.textContent = text;
    box.hidden = retry.hidden = false;
    retry.onclick = retry.onclick || function () { location.reload(); };
  }

  function fail(text) {
    clearInterval(timer);
    say("trouble", "I cannot read", text);
  }

  function diagnose() {
    asked = true;
    if (location.protocol.indexOf("http") !== 0) return fail("Browsers do not run this page from a disk. Run “python -m http.server” in its folder and open localhost:8000.");
    if (!window.fetch || !("noModule" in document.createElement("script"))) return fail("This browser is too old for the page. Open it in " + BROWSERS);
    if (window.origin === "null") return fail("The frame around this page (sandbox) keeps it from its files. Open " + location.href + " in a tab of its own.");
    Promise.all(files("link[rel=modulepreload], link[rel=stylesheet], script[type]").map(check)).then(function () {
      fail("The code of this page does not run here: " + (error || "it did not load") + ". Try again; if that does not help, use " + BROWSERS);
    }, fail);
  }

  /** Fetches a file, and rejects with a sentence about what is wrong with it. */
  function check(url) {
    return fetch(url).then(function (response) {
      var type = response.headers.get("Content-Type");
      if (!response.ok) throw name(url) + " is missing (the server says " + response.status + "). Try again; if that does not help, upload the page once more.";
      if (!/css|javascript/.test(type)) throw "The server sends " + name(url) + " as " + type + ", and browsers refuse that. The file is missing, or the server needs the right types for .js and .css files.";
      return response.text();
    }).catch(function (problem) {
      throw typeof problem === "string" ? problem : name(url) + " cannot be reached, or arrives only in part. Check the network connection and try again.";
    });
  }

  function files(selector) {
    return Array.prototype.map.call(document.querySelectorAll(selector), function (at) { return at.href || at.src; });
  }

  function name(url) {
    return url.slice(url.lastIndexOf("/") + 1);
  }
})();
