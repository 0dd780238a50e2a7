// What is folded away is unfolded for print, and by the button; the page is whole without this.
const folded = () => [...document.querySelectorAll("details")];
const unfold = (open) => folded().forEach((part) => { part.open = open; });
addEventListener("beforeprint", () => unfold(true));
const button = document.getElementById("unfold");
button.hidden = false;
button.addEventListener("click", () => {
  const open = button.getAttribute("aria-pressed") !== "true";
  button.setAttribute("aria-pressed", open);
  unfold(open);
});
