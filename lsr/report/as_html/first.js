// Charts stand for the still images from the first paint on; where a script fails, the still images come back.
"use strict";
document.documentElement.classList.add("scripted");
addEventListener("error", () => document.documentElement.classList.remove("scripted"));
